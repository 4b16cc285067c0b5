"""Owns the fuzzing of the admin API: starts a server with something in it, lets schemathesis ask whatever docs/openapi.json
allows and forbids, and counts what was not answered as described. Writes target/prove/api-fuzz.json."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TOKEN = "fuzz"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
# What is counted by which check of schemathesis.
CHECKS = {
    "not_a_server_error": "server_errors",
    "status_code_conformance": "undocumented",
    "content_type_conformance": "undocumented",
    "response_schema_conformance": "undocumented",
    "allow_header_conformance": "undocumented",
    "unsupported_method": "undocumented",
    "negative_data_rejection": "wrongly_accepted",
    "ignored_auth": "unauthorised_2xx",
}
# Ids of what is there, so that more than 404 is found.
KNOWN = {
    "connectors": ["c1", "c2", "c3"],
    "sources": ["1001", "1002", "1003"],
    "targets": ["2001", "2002", "2003"],
    "channels": ["1001", "1002", "1003", "2001"],
    "guilds": ["10", "20"],
    "signals": [],
    "numbers": [1, 2, 3],
    "versions": [1, 2, 0],
    "documents": [],
}
BOUND = {
    "path.connector_id": "connectors",
    "path.channel_id": "channels",
    "path.target_channel_id": "targets",
    "path.guild_id": "guilds",
    "path.signal_id": "signals",
    "path.mapping_id": "numbers",
    "path.audit_id": "numbers",
    "path.session_token_id": "numbers",
    "query.connector_id": "connectors",
    "query.guild_id": "guilds",
    "query.channel_id": "sources",
    "query.source_channel_id": "sources",
    "query.target_channel_id": "targets",
    "query.version": "versions",
    "body.version": "versions",
    "body.guild_id": "guilds",
    "body.source_channel_id": "sources",
    "body.target_channel_id": "targets",
    "body.document": "documents",
    "body.items[*]": "numbers",
    "body.items[*].version": "versions",
    "body.items[*].mapping_id": "numbers",
    "body.items[*].channel_id": "channels",
    "body.items[*].signal_id": "signals",
    "body.items[*].target_channel_id": "targets",
}
FAKE_DISCORD = {
    "guilds": [{"id": "20", "name": "Members", "roles": [{"id": "21", "name": "Traders"}]}],
    "channels": [
        {"id": "2001", "guild_id": "20", "name": "spot", "type": 0},
        {"id": "2002", "guild_id": "20", "name": "perps", "type": 0},
        {"id": "2003", "guild_id": "20", "name": "alts", "type": 0},
    ],
}


def ask(base, method, path, body=None, headers=ADMIN):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Stage:
    """A server with a fresh database and a fake Discord, until it is left."""

    def __init__(self, programs):
        arguments = [str(programs / "stage"), "--env", f"HELIOGRAPH_ADMIN_TOKEN={TOKEN}"]
        arguments += ["--fake-discord", json.dumps(FAKE_DISCORD)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the server did not start")
        addresses = json.loads(line)
        self.admin, self.ingest = (f"http://{addresses[name]}" for name in ("admin", "ingest"))
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def furnish(stage):
    """Connectors, channels, mappings, signals, an item in quarantine, a session token."""
    tokens = {}
    for connector in KNOWN["connectors"]:
        made = ask(stage.admin, "POST", "/api/connectors", {"connector_id": connector, "tenant_key": "acme"})
        tokens[connector] = made["token"]
        version = made["connector"]["version"]
        ask(stage.admin, "PATCH", f"/api/connectors/{connector}", {"version": version, "forward_enabled": True})
    for channel in KNOWN["sources"] + KNOWN["targets"]:
        is_source = channel in KNOWN["sources"]
        guild = "10" if is_source else "20"
        role = {"guild_id": guild, "is_source": is_source, "is_target": not is_source, "is_enabled": True, "thread_mode": "include"}
        ask(stage.admin, "PUT", f"/api/connectors/c1/channels/{channel}", role)
    for source, target in [("1001", "2001"), ("1001", "2002"), ("1002", "2001")]:
        ask(stage.admin, "POST", "/api/mappings", {"source_channel_id": source, "target_channel_id": target})
    ask(stage.admin, "POST", "/api/session-tokens", {"name": "viewer", "tier": 1})
    KNOWN["documents"] = documents(stage)
    first = (int(time.time() * 1000) - 1_420_070_400_000) << 22
    KNOWN["signals"] = [str(first + number) for number in range(4)]
    ids = KNOWN["signals"] + ["none"]
    batch = {
        "tenant_key": "acme", "connector_id": "c1", "sent_at": "2026-01-01T00:00:00Z", "batch_id": "b1",
        "messages": [message(number, signal) for number, signal in enumerate(ids)],
    }
    bearer = {"Authorization": f"Bearer {tokens['c1']}", "Content-Type": "application/json"}
    ask(stage.ingest, "POST", "/ingest/message-batch", batch, bearer)


def documents(stage):
    """The configuration as it is, two that change it, and one that does not read."""
    request = urllib.request.Request(stage.admin + "/api/configuration", headers=ADMIN)
    with urllib.request.urlopen(request, timeout=30) as answer:
        written = answer.read().decode()
    return [written, written.replace("forward_enabled = true", "forward_enabled = false"), written[: written.find("[[mappings]]")], "= x"]


def message(number, signal):
    return {
        "idempotency_key": f"create:{signal}", "event_type": "create", "discord_message_id": signal, "discord_guild_id": "10",
        "discord_channel_id": "1001", "discord_thread_id": None, "discord_author_id": "77", "author_username": "desk",
        "author_global_name": "The Desk", "content_raw": f"long {number}", "content_clean": f"long {number}",
        "created_at": "2026-01-01T00:00:00Z", "edited_at": None, "deleted_at": None, "attachments": [], "embeds": [],
    }


def configuration(place):
    lines = ["[generation]", "allow-x00 = true"]
    for name, values in KNOWN.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    lines += [f'"{where}" = {{ dictionary = "{name}", probability = 0.8 }}' for where, name in BOUND.items()]
    path = place / "schemathesis.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(stage, place, options, seed):
    """One run of schemathesis; its report and what it had to say."""
    report = place / f"report-{seed}.json"
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"), "--config-file", str(configuration(place)),
        "run", f"{stage.admin}/api/openapi.json", "--no-color",
        "-H", f"Authorization: Bearer {TOKEN}", "--checks", ",".join(CHECKS), "--phases", options.phases,
        "--max-examples", str(options.examples), "--seed", str(seed), "--continue-on-failure", "--no-shrink",
        "--generation-database", "none", "--request-timeout", "30", "--suppress-health-check", "all",
        "--exclude-path", "/api/live", "--report", "json", "--report-json-path", str(report),
    ]
    done = subprocess.run(command, cwd=place, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not report.exists():
        raise SystemExit(f"schemathesis did not report:\n{done.stdout}")
    if options.keep:
        pathlib.Path(options.keep).write_text(report.read_text())
    return json.loads(report.read_text()), done.stdout


def unauthorised(stage):
    """Routes that answer with a success without the token, and are not for everybody."""
    document = ask(stage.admin, "GET", "/api/openapi.json")
    open_doors = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation.get("security") == [{}]:
                continue
            asked = path
            for parameter in operation.get("parameters", []):
                asked = asked.replace("{" + parameter["name"] + "}", "1")
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "heliograph_admin=wrong"}):
                try:
                    ask(stage.admin, method.upper(), asked, None, headers)
                    open_doors.append(f"{method} {path}")
                except urllib.error.HTTPError as refused:
                    if refused.code != 401:
                        open_doors.append(f"{method} {path}: {refused.code}")
    return open_doors


def main():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="release", help="which build of the programs: release or debug")
    parser.add_argument("--runs", type=int, default=3, help="runs with different seeds, each with a fresh database")
    parser.add_argument("--examples", type=int, default=100, help="cases a route and phase")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="FILE", help="keep the last report of schemathesis here")
    parser.add_argument("--quick", action="store_true", help="one bounded run, and no file of figures")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.examples, options.phases = 1, 10, "fuzzing"
    found = dict.fromkeys(CHECKS.values(), 0)
    cases, routes, failures, errors, broken = 0, 0, [], [], 0
    for seed in range(options.seed, options.seed + options.runs):
        with Stage(target / options.profile) as stage, tempfile.TemporaryDirectory() as place:
            furnish(stage)
            open_doors = unauthorised(stage)
            found["unauthorised_2xx"] += len(open_doors)
            failures += [f"without a token: {door}" for door in open_doors]
            report, said = run(stage, pathlib.Path(place), options, seed)
            lives = stage.process.poll() is None and ask(stage.admin, "GET", "/healthz")["ok"]
        cases += report["test_cases"]["generated"]
        routes = report["operations"]["tested"]
        errors += report["errors"]
        broken += not (report["complete"] and lives)
        for failure in report["failures"]:
            found[counted_as(failure)] += failure["count"]
            failures.append(f"{failure['title']}: {', '.join(failure['operations'])}")
        if report["failures"] or report["errors"] or not lives:
            print(said)
        print(f"seed {seed}: {report['test_cases']['generated']} cases in {report['running_time']:.0f} s", flush=True)
    holds = not failures and not errors and not broken and cases > 0
    figures = {
        "proof": "api-fuzz", "runs": options.runs, "seeds": list(range(options.seed, options.seed + options.runs)), "routes": routes,
        "cases": cases, **found, "broken_runs": broken, "errors": errors, "failures": failures[:50], "holds": holds,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], text=True, stdout=subprocess.PIPE, check=False).stdout.strip(),
        "cores": os.cpu_count(),
    }
    if not options.quick:
        (target / "prove").mkdir(exist_ok=True)
        (target / "prove" / "api-fuzz.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps({name: figures[name] for name in ("cases", "routes", *found, "holds")}))
    sys.exit(0 if holds else 1)


def counted_as(failure):
    """Under what a kind of failure is counted."""
    kind = str(failure["type"]).lower() + str(failure["code"]).lower() + str(failure["title"]).lower()
    if "server" in kind and "error" in kind:
        return "server_errors"
    if "auth" in kind:
        return "unauthorised_2xx"
    if "accepted" in kind or "negative" in kind:
        return "wrongly_accepted"
    return "undocumented"


if __name__ == "__main__":
    main()
