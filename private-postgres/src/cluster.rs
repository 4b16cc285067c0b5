//! The cluster directory: made once by `initdb`, in one step, and checked for its version and owner before each start.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::ROLE;
use crate::account::Accounts;
use crate::binaries::Binaries;
use crate::error::StartError;
use crate::files::private_dir;
use crate::keeper::Keeper;
use crate::launch::{Launcher, Signal};
use crate::location::{has_cluster, owner_of};
use crate::log::last_lines;

/// Names of directories `initdb` works in; one that is found was left by a start that was interrupted.
const UNFINISHED: &str = "initialising-";

/// What `PG_VERSION` says, if there is a cluster.
pub(crate) fn made_by(cluster: &Path) -> Option<String> {
    let text = fs::read_to_string(cluster.join("PG_VERSION")).ok()?;
    Some(text.trim().to_owned())
}

/// Refuses a cluster that these binaries or this account cannot open.
pub(crate) fn check(
    cluster: &Path,
    binaries: &Binaries,
    accounts: &Accounts,
) -> Result<(), StartError> {
    if let Some(made_by) =
        made_by(cluster).filter(|made_by| *made_by != binaries.version.major.to_string())
    {
        return Err(StartError::OtherVersion {
            made_by,
            installed: binaries.version.major,
            cluster: cluster.to_owned(),
        });
    }
    let server = accounts.server;
    match owner_of(cluster) {
        Some((owner, _)) if owner != server.uid => Err(StartError::NoPermission {
            path: cluster.to_owned(),
            reason: format!(
                "it belongs to user id {owner}, but PostgreSQL would run as {0}: `chown -R {0}:{1}` it, or run this \
                 program as its owner",
                server.uid, server.gid
            ),
        }),
        _ => Ok(()),
    }
}

/// What `initdb` needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Initialise<'a> {
    pub(crate) home: &'a Path,
    pub(crate) cluster: &'a Path,
    pub(crate) binaries: &'a Binaries,
    pub(crate) accounts: &'a Accounts,
    pub(crate) launcher: &'a Launcher,
    pub(crate) keeper: &'a Keeper,
    pub(crate) durable: bool,
}

impl Initialise<'_> {
    /// Makes the cluster if there is none: beside its place, then renamed, so that it is whole or not there at all.
    pub(crate) fn run(&self) -> Result<(), StartError> {
        remove_unfinished(self.home);
        if has_cluster(self.cluster) {
            return Ok(());
        }
        let unfinished = self
            .home
            .join(format!("{UNFINISHED}{}", std::process::id()));
        let made = self.initdb(&unfinished);
        if made.is_err() {
            // The next start removes it if we cannot.
            let _ = fs::remove_dir_all(&unfinished);
        }
        made?;
        fs::rename(&unfinished, self.cluster)
            .map_err(StartError::io("move the new cluster to", self.cluster))?;
        File::open(self.home)
            .and_then(|dir| dir.sync_all())
            .map_err(StartError::io("sync", self.home))
    }

    fn initdb(&self, target: &Path) -> Result<(), StartError> {
        let mut last_said = String::new();
        for locale in locale_options(self.binaries.version.major) {
            private_dir(target, self.accounts)?;
            let mut command = self
                .launcher
                .command(&self.binaries.program("initdb"), Signal::Kill);
            command
                .arg("-D")
                .arg(target)
                .args([
                    &format!("--username={ROLE}"),
                    "--auth-local=trust",
                    "--auth-host=reject",
                ])
                .args(["--encoding=UTF8", "--data-checksums", "--no-instructions"])
                .args(*locale)
                .args((!self.durable).then_some("--no-sync"))
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            let output = self
                .keeper
                .spawn(command)
                .and_then(|child| child.wait_with_output())
                .map_err(StartError::io("run initdb for", target))?;
            if output.status.success() {
                return Ok(());
            }
            last_said = last_lines(&output.stderr);
            if !last_said.contains("locale") {
                break;
            }
        }
        Err(StartError::InitFailed {
            cluster: self.cluster.to_owned(),
            last_lines: last_said,
        })
    }
}

/// Text sorts by code point, and upper and lower case are known beyond ASCII where the system allows it. In order of
/// preference; the last one works everywhere.
fn locale_options(major: u32) -> &'static [&'static [&'static str]] {
    const BUILTIN: &[&str] = &[
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ];
    const OF_LIBC: &[&str] = &["--locale=C", "--lc-ctype=C.UTF-8"];
    const PLAIN: &[&str] = &["--locale=C"];
    if major >= 17 {
        &[BUILTIN, PLAIN]
    } else {
        &[OF_LIBC, PLAIN]
    }
}

fn remove_unfinished(home: &Path) {
    for dir in unfinished(home) {
        match fs::remove_dir_all(&dir) {
            Ok(()) => tracing::info!(path = %dir.display(), "removed a half made cluster"),
            Err(error) => {
                tracing::warn!(path = %dir.display(), %error, "could not remove a half made cluster")
            }
        }
    }
}

fn unfinished(home: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED))
        .map(|entry| entry.path())
        .collect()
}
