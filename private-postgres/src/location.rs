//! Where the files go: the data directory that was asked for, or one below `/var/lib/heliograph` if the account that runs
//! PostgreSQL cannot reach it; and a socket directory whose path is short enough. Decides and looks; creates nothing.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::account::{Account, Accounts};
use crate::error::StartError;

/// Holds the data directories that cannot be where they were asked for.
const FALLBACK_BASE: &str = "/var/lib/heliograph";

/// `sun_path` of a unix socket address, without its closing NUL, bytes.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Where a private PostgreSQL lives, and who runs it.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// Absolute, symlinks resolved.
    pub(crate) home: PathBuf,
    pub(crate) accounts: Accounts,
    /// Set if `home` is not what was asked for: what was asked for, and the ancestor that is closed to the account.
    pub(crate) instead_of: Option<(PathBuf, PathBuf)>,
}

impl Location {
    /// Looks at the file system and decides.
    pub(crate) fn find(requested: &Path) -> Result<Self, StartError> {
        let requested = resolved(requested)?;
        if requested.to_str().is_none_or(|path| path.contains('\n')) {
            return Err(StartError::UnusablePath {
                path: requested,
                reason: "its name is not plain UTF-8",
            });
        }
        let fallback = Path::new(FALLBACK_BASE).join(hash_name(&requested));
        let (requested_cluster, fallback_cluster) =
            (requested.join("cluster"), fallback.join("cluster"));
        let owner = owner_of(&requested_cluster).or_else(|| owner_of(&fallback_cluster));
        let accounts = Accounts::of_this_process(owner)?;
        if !accounts.steps_down {
            return Ok(Self {
                home: requested,
                accounts,
                instead_of: None,
            });
        }
        let barrier = barrier(&steps(&requested), &accounts.server).map(Path::to_owned);
        match choice(
            barrier.is_none(),
            has_cluster(&requested_cluster),
            has_cluster(&fallback_cluster),
        ) {
            Choice::Requested => Ok(Self {
                home: requested,
                accounts,
                instead_of: None,
            }),
            Choice::Fallback => {
                let closed = barrier.unwrap_or_else(|| requested.clone());
                Ok(Self {
                    home: fallback,
                    accounts,
                    instead_of: Some((requested, closed)),
                })
            }
            Choice::Neither => Err(StartError::NoPermission {
                path: barrier.unwrap_or(requested),
                reason: format!(
                    "a cluster lies below it, but user id {} may not pass: open it with `chmod o+x`",
                    accounts.server.uid
                ),
            }),
        }
    }
}

/// The directory that was asked for, the one below `/var/lib/heliograph`, or neither.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Requested,
    Fallback,
    Neither,
}

/// Never starts an empty cluster while an older one of the same name exists: a changed mode bit must not look like lost data.
fn choice(is_reachable: bool, requested_has_cluster: bool, fallback_has_cluster: bool) -> Choice {
    match (is_reachable, requested_has_cluster, fallback_has_cluster) {
        (true, true, _) | (true, false, false) => Choice::Requested,
        (_, false, _) => Choice::Fallback,
        (false, true, _) => Choice::Neither,
    }
}

/// A directory on the way to the data directory, as far as permissions go.
#[derive(Debug, Clone)]
struct Step {
    path: PathBuf,
    mode: u32,
    uid: u32,
    gid: u32,
}

/// The existing directories from the root down to `path`.
fn steps(path: &Path) -> Vec<Step> {
    let mut steps: Vec<Step> = path
        .ancestors()
        .filter_map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some(Step {
                path: path.to_owned(),
                mode: metadata.mode(),
                uid: metadata.uid(),
                gid: metadata.gid(),
            })
        })
        .collect();
    steps.reverse();
    steps
}

/// The first directory the account may not pass. Access lists and further groups are not looked at: where they would have
/// opened a way, we fall back without need, which does no harm.
fn barrier<'a>(steps: &'a [Step], account: &Account) -> Option<&'a Path> {
    let may_pass = |step: &Step| {
        let class_shift = match step {
            step if step.uid == account.uid => 6,
            step if step.gid == account.gid => 3,
            _ => 0,
        };
        step.mode >> class_shift & 1 == 1
    };
    steps
        .iter()
        .find(|step| !may_pass(step))
        .map(|step| step.path.as_path())
}

/// Absolute, with symlinks resolved as far as the path exists.
fn resolved(path: &Path) -> Result<PathBuf, StartError> {
    let absolute = std::path::absolute(path).map_err(StartError::io("find", path))?;
    let mut missing: Vec<OsString> = Vec::new();
    let mut existing = lexically_plain(&absolute);
    loop {
        match fs::canonicalize(&existing) {
            Ok(canonical) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(canonical, |path, name| path.join(name)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                match existing.file_name() {
                    Some(name) => {
                        missing.push(name.to_owned());
                        existing.pop();
                    }
                    None => return Ok(absolute),
                }
            }
            Err(error) => return Err(StartError::io("reach", &existing)(error)),
        }
    }
}

/// Without `..`, taken by name alone.
fn lexically_plain(path: &Path) -> PathBuf {
    path.components()
        .fold(PathBuf::new(), |mut plain, component| {
            if component == Component::ParentDir {
                plain.pop();
            } else {
                plain.push(component);
            }
            plain
        })
}

pub(crate) fn has_cluster(cluster: &Path) -> bool {
    cluster.join("PG_VERSION").is_file()
}

/// The user and group id of an existing cluster.
pub(crate) fn owner_of(cluster: &Path) -> Option<(u32, u32)> {
    if !has_cluster(cluster) {
        return None;
    }
    let metadata = fs::metadata(cluster).ok()?;
    Some((metadata.uid(), metadata.gid()))
}

/// The directory for the socket: `socket` in the data directory, or `short_base/heliograph-pg-<hash>` if the path of the socket
/// file would not fit into a socket address.
pub(crate) fn socket_dir(home: &Path, port: u16, short_base: &Path) -> PathBuf {
    let wanted = home.join("socket");
    let socket = wanted.join(format!(".s.PGSQL.{port}"));
    if socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        wanted
    } else {
        short_base.join(format!("heliograph-pg-{}", hash_name(home)))
    }
}

/// Where a short socket directory goes: `/run` takes entries from root alone, so nobody can be there first; others share `/tmp`.
pub(crate) fn short_base(accounts: &Accounts) -> &'static Path {
    let run = Path::new("/run");
    if accounts.steps_down && run.is_dir() {
        run
    } else {
        Path::new("/tmp")
    }
}

/// A name for a path: 64-bit FNV-1a in hex. Written out here because it must stay the same for ever.
fn hash_name(path: &Path) -> String {
    let hash = path
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_cluster_is_never_passed_over() {
        for (is_reachable, requested, fallback, want) in [
            (true, false, false, Choice::Requested),
            (true, true, false, Choice::Requested),
            (true, true, true, Choice::Requested),
            (true, false, true, Choice::Fallback),
            (false, false, false, Choice::Fallback),
            (false, false, true, Choice::Fallback),
            (false, true, false, Choice::Neither),
            (false, true, true, Choice::Neither),
        ] {
            let got = choice(is_reachable, requested, fallback);
            assert_eq!(got, want, "{is_reachable} {requested} {fallback}");
        }
    }

    #[test]
    fn the_first_closed_ancestor_is_the_barrier() {
        let account = Account {
            uid: 101,
            gid: 104,
            is_known: true,
        };
        let root = (0o755, 0, 0);
        for (chain, want) in [
            (vec![root, root], None),
            (vec![root, (0o700, 0, 0), (0o700, 0, 0)], Some("/1")),
            (vec![root, (0o711, 0, 0)], None),
            (vec![root, (0o744, 0, 0)], Some("/1")),
            (vec![root, (0o700, 101, 0)], None),
            (vec![root, (0o077, 101, 104)], Some("/1")),
            (vec![root, (0o710, 0, 104)], None),
            (vec![root, (0o701, 0, 104)], Some("/1")),
            (vec![root, (0o41777, 0, 0)], None),
        ] {
            let steps: Vec<Step> = chain
                .iter()
                .enumerate()
                .map(|(at, &(mode, uid, gid))| Step {
                    path: PathBuf::from(format!("/{at}")),
                    mode,
                    uid,
                    gid,
                })
                .collect();
            assert_eq!(barrier(&steps, &account), want.map(Path::new), "{chain:?}");
        }
    }

    #[test]
    fn the_socket_stays_at_home_while_its_path_fits() {
        // "/socket/.s.PGSQL.5432" has 21 bytes, so a home of 86 fits exactly.
        for (home_bytes, port, is_home) in [
            (10, 5432, true),
            (86, 5432, true),
            (87, 5432, false),
            (86, 54321, false),
        ] {
            let home = PathBuf::from(format!("/{}", "x".repeat(home_bytes - 1)));
            let dir = socket_dir(&home, port, Path::new("/run"));
            assert_eq!(dir.starts_with(&home), is_home, "{home_bytes} {port}");
            let socket = dir.join(format!(".s.PGSQL.{port}"));
            assert!(
                socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX,
                "{}",
                socket.display()
            );
        }
    }

    #[test]
    fn two_long_homes_get_two_socket_directories() {
        let home = |end: &str| PathBuf::from(format!("/{}{end}", "x".repeat(120)));
        let dir = |end: &str| socket_dir(&home(end), 5432, Path::new("/tmp"));
        assert_ne!(dir("a"), dir("b"));
        assert_eq!(dir("a"), dir("a"));
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash_name(Path::new("")), "cbf29ce484222325");
        assert_eq!(hash_name(Path::new("a")), "af63dc4c8601ec8c");
    }

    #[test]
    fn paths_are_resolved_beyond_what_exists() {
        for (path, want) in [
            ("/proc/none/x", "/proc/none/x"),
            ("/proc/none/../x", "/proc/x"),
            ("/proc/./none", "/proc/none"),
            ("/..", "/"),
        ] {
            assert_eq!(
                resolved(Path::new(path)).ok(),
                Some(PathBuf::from(want)),
                "{path}"
            );
        }
    }
}
