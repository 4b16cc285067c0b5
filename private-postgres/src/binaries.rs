//! Finds the programs of an installed PostgreSQL and reads their version. Installs nothing and downloads nothing.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::StartError;
use crate::launch::bare;

/// The oldest major version whose settings and `initdb` options we use.
pub(crate) const MAJOR_OLDEST: u32 = 14;

/// Debian and Ubuntu keep one directory per major version here, outside PATH.
const DEBIAN_DIR: &str = "/usr/lib/postgresql";

/// What a usable directory must hold.
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "psql"];

/// A PostgreSQL version: the major number decides which clusters the binaries can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Clusters of one major version cannot be opened by another.
    pub major: u32,
    /// 0 for a pre-release.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// One installed PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The directory with `postgres`, `initdb` and `psql`.
    pub dir: PathBuf,
    /// What `postgres --version` says.
    pub version: Version,
}

impl Binaries {
    /// The path of one of its programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn at(dir: PathBuf) -> Result<Self, StartError> {
        let postgres = dir.join("postgres");
        let output = bare(&postgres)
            .arg("--version")
            .output()
            .map_err(StartError::io("run", &postgres))?;
        let version = parse_version(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| {
            StartError::NoPermission {
                path: postgres,
                reason: format!(
                    "`--version` did not name a version ({}): reinstall PostgreSQL",
                    output.status
                ),
            }
        })?;
        if version.major < MAJOR_OLDEST {
            return Err(StartError::TooOld {
                found: version,
                oldest: MAJOR_OLDEST,
                bin_dir: dir,
            });
        }
        Ok(Self { dir, version })
    }
}

/// Finds PostgreSQL: `bin_dir` if given, else the highest `/usr/lib/postgresql/<major>/bin`, else PATH.
///
/// # Errors
/// [`StartError::NotInstalled`] if there is none, [`StartError::TooOld`] below version 14.
pub fn find_binaries(bin_dir: Option<&Path>) -> Result<Binaries, StartError> {
    find_binaries_for(bin_dir, None)
}

/// As [`find_binaries`], but prefers the installed version that made an existing cluster, because a newer one installed
/// beside it cannot open it.
pub(crate) fn find_binaries_for(
    bin_dir: Option<&Path>,
    made_by: Option<u32>,
) -> Result<Binaries, StartError> {
    let candidates = match bin_dir {
        // Programs are started from another directory: a relative path would mean something else there.
        Some(dir) => vec![std::path::absolute(dir).map_err(StartError::io("find", dir))?],
        None => {
            let mut dirs = debian_dirs(&installed_majors(), made_by);
            dirs.extend(search_path());
            dirs
        }
    };
    let found = candidates
        .iter()
        .find(|dir| PROGRAMS.iter().all(|program| dir.join(program).is_file()));
    match found {
        Some(dir) => Binaries::at(dir.clone()),
        None => Err(StartError::NotInstalled {
            looked_in: looked_in(&candidates),
        }),
    }
}

/// The absolute directories in PATH, in order.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .collect()
}

fn looked_in(candidates: &[PathBuf]) -> String {
    if candidates.is_empty() {
        return format!("{DEBIAN_DIR} and PATH");
    }
    let shown: Vec<String> = candidates
        .iter()
        .map(|dir| dir.display().to_string())
        .collect();
    shown.join(", ")
}

fn installed_majors() -> Vec<u32> {
    let Ok(entries) = fs::read_dir(DEBIAN_DIR) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Highest first; the one that made the cluster before all.
fn debian_dirs(majors: &[u32], made_by: Option<u32>) -> Vec<PathBuf> {
    let mut majors = majors.to_vec();
    majors.sort_unstable_by_key(|&major| (Some(major) != made_by, std::cmp::Reverse(major)));
    majors
        .iter()
        .map(|major| Path::new(DEBIAN_DIR).join(major.to_string()).join("bin"))
        .collect()
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and its like; pre-releases (`17beta1`) count as minor 0.
fn parse_version(line: &str) -> Option<Version> {
    let number = line
        .split("(PostgreSQL)")
        .nth(1)?
        .split_whitespace()
        .next()?;
    let mut parts = number.split('.');
    let major = leading_number(parts.next()?)?;
    let minor = parts.next().and_then(leading_number).unwrap_or(0);
    Some(Version { major, minor })
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_are_read_from_every_form() {
        for (line, want) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some((15, 18)),
            ),
            ("postgres (PostgreSQL) 14.0", Some((14, 0))),
            ("postgres (PostgreSQL) 17beta1", Some((17, 0))),
            ("postgres (PostgreSQL) 19devel", Some((19, 0))),
            ("postgres (PostgreSQL) 9.6.24", Some((9, 6))),
            ("postgres (PostgreSQL) ", None),
            ("postgres (EnterpriseDB) 15.1", None),
            ("", None),
        ] {
            let got = parse_version(line).map(|version| (version.major, version.minor));
            assert_eq!(got, want, "{line:?}");
        }
    }

    #[test]
    fn the_version_of_the_cluster_comes_before_the_highest() {
        for (majors, made_by, want) in [
            (&[15, 9, 17][..], None, "17 15 9"),
            (&[15, 9, 17], Some(15), "15 17 9"),
            (&[15, 17], Some(13), "17 15"),
            (&[], Some(15), ""),
        ] {
            let got: Vec<String> = debian_dirs(majors, made_by)
                .iter()
                .map(|dir| {
                    let major = dir.parent().unwrap().file_name().unwrap();
                    major.to_string_lossy().into_owned()
                })
                .collect();
            assert_eq!(got.join(" "), want);
        }
    }

    #[test]
    fn a_directory_without_the_programs_is_not_an_installation() {
        let error = find_binaries(Some(Path::new("/proc"))).unwrap_err();
        let line = error.to_string();
        assert!(matches!(error, StartError::NotInstalled { .. }), "{line}");
        assert!(
            line.contains("apt-get install") && line.contains("/proc"),
            "{line}"
        );
    }
}
