//! What can be known of a process from outside: `postmaster.pid` and `/proc`. Judges whether a server that an earlier run left
//! behind is ours to end. Reads, never signals.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The lines of `postmaster.pid` that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PostmasterFile {
    pub(crate) pid: u32,
    /// True once the server accepts connections.
    pub(crate) is_ready: bool,
}

impl PostmasterFile {
    /// Reads the file of a cluster; none if there is none or it is half written.
    pub(crate) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    /// Line 1 is the process id (negative for a single-user server), line 8 the status, padded with blanks.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid: i64 = lines.next()?.trim().parse().ok()?;
        let status = lines.nth(6).unwrap_or_default().trim();
        Some(Self {
            pid: u32::try_from(pid.unsigned_abs()).ok()?,
            is_ready: pid > 0 && status == "ready",
        })
    }
}

/// What a process id named by `postmaster.pid` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// No such process: PostgreSQL sees that by itself.
    Gone,
    /// A zombie, or another program that got the number: PostgreSQL would take it for a server and refuse to start.
    Mistaken,
    /// A server that an earlier run of ours started on this cluster.
    Ours,
    /// A server on this cluster that somebody started by hand.
    Foreign,
}

/// Looks up the process and judges it.
pub(crate) fn owner(pid: u32, cluster: &Path, conf: &Path) -> Owner {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok();
    judge(arguments.as_deref(), cluster, conf)
}

/// `arguments` as in `/proc/<pid>/cmdline`: each ended by a NUL, empty for a zombie; none if there is no such process.
/// In doubt a server is `Foreign`: refusing to start is better than removing the lock file of a live one.
fn judge(arguments: Option<&[u8]>, cluster: &Path, conf: &Path) -> Owner {
    let Some(arguments) = arguments else {
        return Owner::Gone;
    };
    let arguments: Vec<&[u8]> = arguments.split(|&byte| byte == 0).collect();
    let program = Path::new(OsStr::from_bytes(arguments[0])).file_name();
    if !["postgres", "postmaster"]
        .iter()
        .any(|&name| program == Some(OsStr::new(name)))
    {
        return Owner::Mistaken;
    }
    let its_cluster = arguments
        .windows(2)
        .find(|pair| pair[0] == b"-D")
        .map(|pair| Path::new(OsStr::from_bytes(pair[1])));
    let our_conf = [b"config_file=", conf.as_os_str().as_bytes()].concat();
    match its_cluster {
        Some(path) if path != cluster => Owner::Mistaken,
        Some(_) if arguments.contains(&our_conf.as_slice()) => Owner::Ours,
        _ => Owner::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postmaster_files_are_read_in_every_state() {
        let file = |pid: &str, status: &str| {
            format!("{pid}\n/d\n1700000000\n5432\n/d/s\n\n  1 2\n{status}\n")
        };
        for (text, want) in [
            (file("42", "ready   "), Some((42, true))),
            (file("42", "starting"), Some((42, false))),
            (file("42", "stopping"), Some((42, false))),
            (file("-42", "ready   "), Some((42, false))),
            ("42\n/d\n".to_owned(), Some((42, false))),
            (String::new(), None),
            ("x\n".to_owned(), None),
            ("99999999999999\n".to_owned(), None),
        ] {
            let got = PostmasterFile::parse(&text).map(|file| (file.pid, file.is_ready));
            assert_eq!(got, want, "{text:?}");
        }
    }

    #[test]
    fn only_a_server_with_our_cluster_and_settings_is_ours() {
        for (arguments, want) in [
            (None, Owner::Gone),
            (Some(""), Owner::Mistaken),
            (Some("/bin/sh\0-c\0x\0"), Owner::Mistaken),
            (
                Some("postgres\0-D\0/d/cluster\0-c\0config_file=/d/postgresql.conf\0"),
                Owner::Ours,
            ),
            (Some("postgres\0-D\0/d/cluster\0"), Owner::Foreign),
            (Some("/usr/bin/postgres\0-D\0/d/cluster/\0"), Owner::Foreign),
            (Some("/usr/bin/postmaster\0"), Owner::Foreign),
            (
                Some("setpriv\0--\0postgres\0-D\0/d/cluster\0"),
                Owner::Mistaken,
            ),
            (
                Some("postgres\0-D\0/d/cluster2\0-c\0config_file=/d/postgresql.conf\0"),
                Owner::Mistaken,
            ),
            (Some("postgres: checkpointer \0"), Owner::Mistaken),
        ] {
            let got = judge(
                arguments.map(str::as_bytes),
                Path::new("/d/cluster"),
                Path::new("/d/postgresql.conf"),
            );
            assert_eq!(got, want, "{arguments:?}");
        }
    }
}
