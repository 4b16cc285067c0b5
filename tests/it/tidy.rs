//! House rules, checked over the source: who may know whom, where the outside world is read, and what is left lying around.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Lines a file may have. Most have a third of it; see which come close with `wc -l`.
const LINES_MAX: usize = 700;
/// The same of a file of tests: tables are long, and read one entry at a time.
const LINES_OF_TESTS_MAX: usize = 800;
/// Shells that meet in something that cannot leave their thread, and so in the other's file.
const MAY_MEET: [(&str, &str); 2] = [("session", "session_hub"), ("root", "session_hub")];
/// Of other crates, what rules may be written with.
const WORDS: [&str; 14] = [
    "std",
    "core",
    "crate",
    "super",
    "self",
    "serde",
    "serde_json",
    "sha2",
    "bytes",
    "base64",
    "regex",
    "regex_syntax",
    "url",
    "twilight_model",
];
/// Of the schema, what rules may know: words, and the rows that words are.
const WORDS_OF_THE_SCHEMA: [&str; 6] = ["ids", "signal", "frame", "delivery", "rules", "store"];
/// What no rule may touch, wherever its path comes from.
const OUTSIDE: [&str; 9] = [
    "actix",
    "tokio::",
    "diesel::",
    "reqwest",
    "rand::",
    "Instant::now",
    "SystemTime",
    "tracing::",
    "metrics::",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below these folders with one of these endings, by their path from the root.
fn files(folders: &[&str], endings: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let skipped = path.file_name().is_some_and(|name| {
                ["target", "node_modules", "dist", ".git"]
                    .iter()
                    .any(|skipped| name == *skipped)
            });
            if !skipped {
                open.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            }
        } else if endings.iter().any(|ending| {
            path.extension()
                .is_some_and(|extension| extension == *ending)
        }) {
            let name = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    assert!(!found.is_empty(), "nothing in {folders:?}");
    found
}

/// The code of a file: without its tests and without comments.
fn code(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]").unwrap_or(text.len());
    let lines = text[..end]
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Source that runs in the server, without test files.
fn server_code() -> BTreeMap<String, String> {
    let mut all = files(
        &["src", "actors/src", "schema/src", "private-postgres/src"],
        &["rs"],
    );
    all.retain(|name, _| {
        !name.ends_with("tests.rs")
            && !name.contains("/tests/")
            && !name.contains("simulation")
            && !name.ends_with("test_database.rs")
            && !name.ends_with("protocol_types.rs")
    });
    all.into_iter()
        .map(|(name, text)| (name, code(&text)))
        .collect()
}

/// The modules of a crate that this code names after `root::`, in paths and in groups.
fn named_after(code: &str, root: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let start = format!("{root}::");
    let mut rest = code;
    while let Some(at) = rest.find(&start) {
        let begins = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        rest = &rest[at + start.len()..];
        if !begins {
            continue;
        }
        match rest.strip_prefix('{') {
            None => drop(named.insert(word(rest))),
            Some(group) => named.extend(first_words(group)),
        }
    }
    named
}

/// The identifier at the beginning.
fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// The first identifier of every entry of a group that has just been opened.
fn first_words(group: &str) -> Vec<String> {
    let (mut depth, mut at_start, mut words) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if at_start && depth == 0 && (c.is_alphabetic() || c == '_') => {
                words.push(word(&group[at..]));
                at_start = false;
            }
            _ => {}
        }
    }
    words
}

#[test]
fn paths_are_read_right() {
    let code = "use crate::{\n    a::{B, c},\n    d::E,\n};\nuse crate::f; let x = crate::g::H; other_crate::i";
    assert_eq!(
        named_after(code, "crate"),
        ["a", "d", "f", "g"].map(str::to_owned).into()
    );
}

#[test]
fn actors_meet_through_messages_alone() {
    let actors = files(&["actors/src"], &["rs"]);
    let stem = |name: &str| {
        Path::new(name)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    let shells: BTreeMap<String, String> = actors
        .iter()
        .map(|(name, text)| (stem(name), code(text)))
        .filter(|(_, code)| code.contains("\nimpl Actor for "))
        .collect();
    assert!(shells.len() >= 6, "{:?}", shells.keys());
    for (name, code) in &shells {
        for other in named_after(code, "crate")
            .iter()
            .filter(|other| *other != name && shells.contains_key(*other))
        {
            assert!(MAY_MEET.contains(&(name, other)), "{name} imports {other}");
        }
    }
}

#[test]
fn rules_know_no_outside_world() {
    let mut cores = files(&["actors/src", "fake-discord/src", "connectors"], &["rs"]);
    cores.retain(|name, _| {
        (name.ends_with("_core.rs") || name.contains("_core/"))
            && !name.contains("simulation")
            && !name.ends_with("tests.rs")
    });
    assert!(cores.len() >= 10, "{:?}", cores.keys());
    for (name, text) in cores {
        let code = code(&text);
        for outside in OUTSIDE {
            let touches = code
                .match_indices(outside)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert!(!touches, "{name} touches {outside}");
        }
        if !name.starts_with("actors/") {
            continue;
        }
        for line in code.lines().filter_map(|line| {
            line.strip_prefix("use ")
                .or_else(|| line.strip_prefix("pub use "))
        }) {
            let from = word(line);
            assert!(
                WORDS.contains(&from.as_str()) || from == "heliograph_schema",
                "{name} uses {from}"
            );
        }
        for part in named_after(&code, "heliograph_schema") {
            assert!(
                WORDS_OF_THE_SCHEMA.contains(&part.as_str()),
                "{name} uses heliograph_schema::{part}"
            );
        }
    }
}

#[test]
fn the_data_path_has_no_unbounded_send() {
    for (name, code) in server_code() {
        assert!(!code.contains(".do_send("), "{name}");
    }
}

#[test]
fn one_place_reads_the_environment() {
    for (name, code) in server_code() {
        let may = name == "src/config.rs"
            || name == "private-postgres/src/binaries.rs"
            || name.contains("/bin/");
        assert!(may || !code.contains("env::var"), "{name}");
    }
}

#[test]
fn status_codes_stay_at_the_edge() {
    for (name, code) in server_code() {
        let may = name.starts_with("src/http/") || name == "src/error.rs";
        assert!(may || !code.contains("StatusCode"), "{name}");
    }
}

#[test]
fn nothing_is_printed_by_the_server() {
    for (name, code) in server_code() {
        for forgotten in ["println!", "print!(", "dbg!"] {
            // A program of its own may, and says so in its attributes.
            assert!(
                name.contains("/bin/") || !code.contains(forgotten),
                "{name} has {forgotten}"
            );
        }
    }
}

#[test]
fn every_file_says_what_it_owns_and_is_of_a_readable_length() {
    let folders = [
        "src",
        "actors",
        "schema",
        "private-postgres",
        "fake-discord",
        "connectors",
        "benches",
        "tests",
    ];
    for (name, text) in files(&folders, &["rs"]) {
        assert!(
            text.starts_with("//!"),
            "{name} does not begin with what it owns"
        );
        let lines = text.lines().count();
        let max = if name.contains("tests") {
            LINES_OF_TESTS_MAX
        } else {
            LINES_MAX
        };
        assert!(
            lines <= max,
            "{name} has {lines} lines, at most {max} are read"
        );
    }
}

#[test]
fn nothing_is_put_off() {
    let endings = ["rs", "toml", "sql", "js", "ts", "css", "html", "md", "sh"];
    let folders = [
        "src",
        "actors",
        "schema",
        "private-postgres",
        "fake-discord",
        "connectors",
        "benches",
        "tests",
        "web",
        "docs",
        "config",
        "migrations",
    ];
    for (name, text) in files(&folders, &endings) {
        // Not spelled out here, or this file would be found.
        for mark in [["TO", "DO"], ["FIX", "ME"]] {
            assert!(
                !text.contains(&mark.concat()),
                "{name} puts something off: {}",
                mark.concat()
            );
        }
    }
}

#[test]
fn every_crate_takes_the_common_lints() {
    let manifests = files(&["."], &["toml"]);
    let crates: Vec<_> = manifests
        .iter()
        .filter(|(name, text)| name.ends_with("Cargo.toml") && text.contains("[package]"))
        .collect();
    assert!(crates.len() >= 6);
    for (name, text) in crates {
        assert!(text.contains("[lints]\nworkspace = true"), "{name}");
    }
}
