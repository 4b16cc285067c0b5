//! The life of a private PostgreSQL with a real server: cold and warm starts, every way to be killed, and every refusal.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use private_postgres::{PrivatePostgres, ROLE, Settings, StartError, find_binaries};

/// A directory of its own for one test, reachable for every account; removed with its content.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("private-postgres-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn settings(&self) -> Settings {
        Settings {
            durable: false,
            ..Settings::new(self.data())
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sql(url: &str, statement: &str) -> String {
    let psql = find_binaries(None).unwrap().program("psql");
    let output = Command::new(psql)
        .args(["-XqAt", "-d", url, "-c", statement])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{statement}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn kill(pid: u32) {
    let status = Command::new("/bin/sh")
        .args(["-c", "kill -s KILL \"$1\"", "sh", &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// A process that is not there, or a zombie.
fn is_gone(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .unwrap_or_default()
        .is_empty()
}

fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_true() {
        assert!(Instant::now() < deadline, "{what} did not happen in 20 s");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Another process that holds a private PostgreSQL.
struct Holder {
    process: Child,
    line: String,
}

impl Holder {
    fn start(mut command: Command, data_dir: &Path) -> Self {
        let mut process = command
            .arg(data_dir)
            .arg("--without-fsync")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            process,
            line: line.trim().to_owned(),
        }
    }

    fn in_ours(data_dir: &Path) -> Self {
        Self::start(
            Command::new(env!("CARGO_BIN_EXE_hold-private-postgres")),
            data_dir,
        )
    }

    fn server(&self) -> (u32, &str) {
        let (pid, url) = self.line.split_once(' ').unwrap();
        (pid.parse().unwrap_or_else(|_| panic!("{}", self.line)), url)
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn cold_and_warm_starts_are_durable_and_listen_on_the_socket_only() {
    let scratch = Scratch::new("warm");
    let settings = Settings {
        port: 5999,
        max_connections: 17,
        ..Settings::new(scratch.data())
    };
    // What an interrupted first start leaves behind.
    fs::create_dir_all(scratch.data().join("initialising-1/base")).unwrap();

    let mut postgres = PrivatePostgres::start(&settings).unwrap();
    assert!(postgres.is_running());
    assert!(!scratch.data().join("initialising-1").exists());
    let url = postgres.url(ROLE);
    for (setting, want) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "17"),
        ("port", "5999"),
        ("TimeZone", "UTC"),
        ("wal_compression", "lz4"),
    ] {
        assert_eq!(sql(&url, &format!("SHOW {setting}")), want, "{setting}");
    }
    assert_eq!(
        sql(&url, "SELECT current_user || ' ' || current_database()"),
        "heliograph heliograph"
    );
    assert_eq!(
        sql(&url, "SELECT lower('ÀÉ') || ('a' > 'B')::text"),
        "àétrue"
    );
    let socket_dir = fs::metadata(scratch.data().join("socket")).unwrap();
    assert_eq!(socket_dir.mode() & 0o777, 0o700);
    sql(&url, "CREATE TABLE kept AS SELECT 7 AS n");
    postgres.stop().unwrap();

    fs::write(scratch.data().join("local.conf"), "work_mem = '7MB'\n").unwrap();
    let postgres = PrivatePostgres::start(&settings).unwrap();
    assert_eq!(postgres.url(ROLE), url);
    assert_eq!(sql(&url, "SELECT n FROM kept"), "7");
    assert_eq!(sql(&url, "SHOW work_mem"), "7MB");
    let pid = postgres.pid();
    drop(postgres);
    assert!(is_gone(pid));

    fs::write(scratch.data().join("local.conf"), "no_such_setting = 1\n").unwrap();
    let error = PrivatePostgres::start(&settings).unwrap_err();
    assert!(
        matches!(error, StartError::SettingsRefused { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn databases_are_created_once_whatever_their_name() {
    let scratch = Scratch::new("databases");
    let postgres = PrivatePostgres::start(&scratch.settings()).unwrap();
    for name in ["plain", r#"o'clock "x" ü/?&"#, "semi; DROP DATABASE plain"] {
        thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| postgres.ensure_database(name)));
            for one in both {
                one.join().unwrap().unwrap();
            }
        });
        assert_eq!(sql(&postgres.url(name), "SELECT current_database()"), name);
    }
    let error = postgres.ensure_database("").unwrap_err();
    assert!(
        matches!(error, StartError::DatabaseRefused { .. }),
        "{error}"
    );
}

#[test]
fn a_killed_server_is_launched_again_and_nothing_committed_is_lost() {
    let scratch = Scratch::new("relaunch");
    let mut postgres = PrivatePostgres::start(&scratch.settings()).unwrap();
    let url = postgres.url(ROLE);
    sql(&url, "CREATE TABLE kept (n int)");
    for round in 1..=3 {
        sql(&url, "INSERT INTO kept VALUES (1)");
        let pid = postgres.pid();
        postgres.relaunch().unwrap();
        assert_eq!(postgres.pid(), pid, "a running server is left alone");
        kill(pid);
        wait_until("the death of the server", || !postgres.is_running());
        postgres.relaunch().unwrap();
        assert_ne!(postgres.pid(), pid);
        assert_eq!(sql(&url, "SELECT count(*) FROM kept"), round.to_string());
    }
}

#[test]
fn the_server_survives_the_thread_that_started_it_and_the_terminal() {
    let scratch = Scratch::new("thread");
    let settings = scratch.settings();
    let postgres = thread::spawn(move || PrivatePostgres::start(&settings))
        .join()
        .unwrap()
        .unwrap();
    // A shutdown that came with the end of the thread would cut this session.
    assert_eq!(
        sql(&postgres.url(ROLE), "SELECT 'up' FROM pg_sleep(0.3)"),
        "up"
    );
    // Ctrl-C goes to the whole process group of the parent.
    let stat = fs::read_to_string(format!("/proc/{}/stat", postgres.pid())).unwrap();
    let group = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(2)
        .unwrap();
    assert_eq!(group, postgres.pid().to_string());
}

#[test]
fn a_server_ends_with_its_killed_parent_and_the_next_start_works_at_once() {
    let scratch = Scratch::new("parent");
    let holder = Holder::in_ours(&scratch.data());
    let (first, url) = holder.server();
    sql(url, "CREATE TABLE kept AS SELECT 7 AS n");
    holder.kill();
    wait_until("the end of the server", || is_gone(first));

    let holder = Holder::in_ours(&scratch.data());
    let (second, _) = holder.server();
    holder.kill();
    // No wait: this start meets the second server, which is still shutting down.
    let postgres = PrivatePostgres::start(&scratch.settings()).unwrap();
    assert!(is_gone(second));
    assert_eq!(sql(&postgres.url(ROLE), "SELECT n FROM kept"), "7");
    drop(postgres);

    let holder = Holder::in_ours(&scratch.data());
    let (third, url) = holder.server();
    sql(url, "UPDATE kept SET n = 8");
    kill(third);
    holder.kill();
    let postgres = PrivatePostgres::start(&scratch.settings()).unwrap();
    assert_eq!(sql(&postgres.url(ROLE), "SELECT n FROM kept"), "8");
}

/// Starts a server on the cluster as a parent would that died before the server was tied to it.
fn orphan(scratch: &Scratch, with_our_conf: bool) -> Child {
    let (data, cluster) = (scratch.data(), scratch.data().join("cluster"));
    let mut command = Command::new("setpriv");
    if is_root() {
        let owner = fs::metadata(&cluster).unwrap();
        command.arg("--clear-groups");
        command.args([
            "--reuid",
            &owner.uid().to_string(),
            "--regid",
            &owner.gid().to_string(),
        ]);
    }
    command
        .arg("--")
        .arg(find_binaries(None).unwrap().program("postgres"))
        .arg("-D")
        .arg(&cluster);
    if with_our_conf {
        command.args([
            "-c",
            &format!("config_file={}", data.join("postgresql.conf").display()),
        ]);
    } else {
        command.args([
            "-c",
            "listen_addresses=",
            "-c",
            &format!("unix_socket_directories={}", data.join("socket").display()),
        ]);
    }
    let child = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the orphan", || {
        fs::read_to_string(cluster.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"))
    });
    child
}

#[test]
fn an_orphan_is_ended_a_zombie_is_seen_through_and_a_stranger_is_left_alone() {
    let scratch = Scratch::new("orphan");
    let start = || PrivatePostgres::start(&scratch.settings());
    start().unwrap().stop().unwrap();

    let mut live = orphan(&scratch, true);
    start().unwrap().stop().unwrap();
    assert!(live.try_wait().unwrap().is_some());

    // Killed and not yet reaped: its process id exists, its lock files too.
    let mut zombie = orphan(&scratch, true);
    zombie.kill().unwrap();
    wait_until("the zombie", || is_gone(zombie.id()));
    assert!(scratch.data().join("cluster/postmaster.pid").exists());
    start().unwrap().stop().unwrap();
    zombie.wait().unwrap();

    let mut stranger = orphan(&scratch, false);
    let error = start().unwrap_err();
    assert!(
        matches!(&error, StartError::InUse { pid, .. } if *pid == stranger.id().to_string()),
        "{error}"
    );
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_directory_in_use_is_refused_with_the_name_of_its_holder() {
    let scratch = Scratch::new("in-use");
    let mut holder = Holder::in_ours(&scratch.data());
    let (server, url) = holder.server();
    let error = PrivatePostgres::start(&scratch.settings()).unwrap_err();
    assert!(
        matches!(&error, StartError::InUse { pid, .. } if *pid == holder.process.id().to_string()),
        "{error}"
    );
    assert_eq!(sql(url, "SELECT 1"), "1", "the holder goes on");
    let second = Holder::in_ours(&scratch.data());
    assert!(
        second.line.contains("is in use by process"),
        "{}",
        second.line
    );

    drop(holder.process.stdin.take());
    assert!(holder.process.wait().unwrap().success());
    assert!(is_gone(server));
}

#[test]
fn clusters_of_another_version_or_owner_are_refused() {
    let scratch = Scratch::new("version");
    let cluster = scratch.data().join("cluster");
    fs::create_dir_all(&cluster).unwrap();
    fs::write(cluster.join("PG_VERSION"), "13\n").unwrap();
    let error = PrivatePostgres::start(&scratch.settings()).unwrap_err();
    assert!(
        matches!(&error, StartError::OtherVersion { made_by, .. } if made_by == "13"),
        "{error}"
    );

    if is_root() {
        let major = find_binaries(None).unwrap().version.major;
        fs::write(cluster.join("PG_VERSION"), format!("{major}\n")).unwrap();
        let error = PrivatePostgres::start(&scratch.settings()).unwrap_err();
        assert!(matches!(error, StartError::NoPermission { .. }), "{error}");
        assert!(error.to_string().contains("chown -R"), "{error}");
    }
}

#[test]
fn a_missing_installation_is_refused_before_anything_is_created() {
    let scratch = Scratch::new("missing");
    let settings = Settings {
        bin_dir: Some(scratch.0.clone()),
        ..scratch.settings()
    };
    let error = PrivatePostgres::start(&settings).unwrap_err();
    assert!(matches!(error, StartError::NotInstalled { .. }), "{error}");
    assert!(!scratch.data().exists());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let scratch = Scratch::new("ended");
    PrivatePostgres::start(&scratch.settings())
        .unwrap()
        .stop()
        .unwrap();
    fs::remove_file(scratch.data().join("cluster/global/pg_control")).unwrap();
    let error = PrivatePostgres::start(&scratch.settings()).unwrap_err();
    assert!(matches!(error, StartError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("pg_control"), "{error}");
}

#[test]
fn a_long_path_keeps_its_data_and_gets_a_short_socket() {
    let scratch = Scratch::new("long");
    let data = scratch.0.join("x".repeat(100));
    let postgres = PrivatePostgres::start(&Settings {
        data_dir: data.clone(),
        ..scratch.settings()
    })
    .unwrap();
    assert_eq!(sql(&postgres.url(ROLE), "SELECT 1"), "1");
    assert!(data.join("cluster/PG_VERSION").exists() && !data.join("socket").exists());
    let url = postgres.url(ROLE);
    let encoded = url
        .split("host=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let socket_dir = PathBuf::from(encoded.replace("%2F", "/"));
    assert_eq!(fs::metadata(&socket_dir).unwrap().mode() & 0o7777, 0o700);
    postgres.stop().unwrap();
    assert!(!socket_dir.exists());

    // Somebody else was there first.
    fs::DirBuilder::new()
        .mode(0o755)
        .create(&socket_dir)
        .unwrap();
    let refused = PrivatePostgres::start(&Settings {
        data_dir: data,
        ..scratch.settings()
    });
    fs::remove_dir(&socket_dir).unwrap();
    let error = refused.unwrap_err();
    assert!(
        matches!(&error, StartError::NoPermission { path, .. } if *path == socket_dir),
        "{error}"
    );
}

#[test]
fn root_uses_another_directory_where_the_server_may_not_go_and_comes_back_to_it() {
    if !is_root() {
        return; // Nobody else steps down.
    }
    let scratch = Scratch::new("closed");
    let closed = scratch.0.join("closed");
    fs::DirBuilder::new().mode(0o700).create(&closed).unwrap();
    let settings = Settings {
        data_dir: closed.join("data"),
        ..scratch.settings()
    };
    let _removed_last;
    let postgres = PrivatePostgres::start(&settings).unwrap();
    let home = postgres.home().to_owned();
    assert!(
        home.starts_with("/var/lib/heliograph"),
        "{}",
        home.display()
    );
    _removed_last = Scratch(home.clone());
    assert!(!settings.data_dir.exists());
    let asked_for = fs::read_to_string(home.join("stands-in-for")).unwrap();
    assert_eq!(asked_for.trim(), settings.data_dir.to_str().unwrap());
    sql(&postgres.url(ROLE), "CREATE TABLE kept AS SELECT 7 AS n");
    let owner = fs::metadata(format!("/proc/{}", postgres.pid()))
        .unwrap()
        .uid();
    assert_ne!(owner, 0);
    postgres.stop().unwrap();

    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    let postgres = PrivatePostgres::start(&settings).unwrap();
    assert_eq!(postgres.home(), home, "the data does not follow a mode bit");
    assert_eq!(sql(&postgres.url(ROLE), "SELECT n FROM kept"), "7");
}

#[test]
fn another_user_than_root_runs_the_server_itself() {
    if !is_root() {
        return; // All other tests ran as such a user already.
    }
    const NOBODY: u32 = 65534;
    let scratch = Scratch::new("nobody");
    let program = scratch.0.join("hold");
    fs::copy(env!("CARGO_BIN_EXE_hold-private-postgres"), &program).unwrap();
    let owned = scratch.0.join("owned");
    fs::create_dir(&owned).unwrap();
    chown(&owned, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = Command::new("setpriv");
    let id = NOBODY.to_string();
    command
        .args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"])
        .arg(program)
        .current_dir("/");
    let mut holder = Holder::start(command, &owned.join("d".repeat(100)));
    let (server, url) = holder.server();
    assert_eq!(
        fs::metadata(format!("/proc/{server}")).unwrap().uid(),
        NOBODY
    );
    assert!(url.contains("%2Ftmp%2Fheliograph-pg-"), "{url}");
    assert_eq!(sql(url, "SELECT 1"), "1");
    drop(holder.process.stdin.take());
    assert!(holder.process.wait().unwrap().success());
    assert!(is_gone(server));
}
