//! Decides which user runs PostgreSQL: it refuses to be root, so root must step down. Knows user ids, not processes.

use crate::error::StartError;
use std::fs;
use std::path::Path;

/// A user id and its group, and whether the user database knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) is_known: bool,
}

/// Who we are and who the server will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// True if the server runs as another user than ourselves: we are root.
    pub(crate) steps_down: bool,
    pub(crate) server: Account,
}

impl Accounts {
    /// `cluster_owner` is the uid and gid of an existing cluster: PostgreSQL insists on running as its owner.
    pub(crate) fn of_this_process(cluster_owner: Option<(u32, u32)>) -> Result<Self, StartError> {
        let status = read("/proc/self/status")?;
        let ourselves = Account {
            uid: effective(&status, "Uid:"),
            gid: effective(&status, "Gid:"),
            is_known: true,
        };
        if ourselves.uid != 0 {
            return Ok(Self {
                steps_down: false,
                server: ourselves,
            });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let server = server_account(&users, cluster_owner).ok_or(StartError::NoAccount)?;
        Ok(Self {
            steps_down: true,
            server,
        })
    }
}

fn read(path: &str) -> Result<String, StartError> {
    fs::read_to_string(path).map_err(StartError::io("read", Path::new(path)))
}

/// The second number of a `Uid:` or `Gid:` line of `/proc/<pid>/status` (real, effective, saved, file system). Root if there
/// is none, which only makes us ask for a lesser account.
fn effective(status: &str, key: &str) -> u32 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|numbers| numbers.split_whitespace().nth(1))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// For root: the owner of the cluster if it has one below root, else `postgres`, else `nobody`.
fn server_account(users: &str, cluster_owner: Option<(u32, u32)>) -> Option<Account> {
    if let Some((uid, gid)) = cluster_owner.filter(|&(uid, _)| uid != 0) {
        let known = user_entries(users).find(|(_, account)| account.uid == uid);
        return Some(known.map_or(
            Account {
                uid,
                gid,
                is_known: false,
            },
            |(_, account)| account,
        ));
    }
    ["postgres", "nobody"].iter().find_map(|wanted| {
        user_entries(users)
            .find(|(name, account)| name == wanted && account.uid != 0)
            .map(|(_, account)| account)
    })
}

fn user_entries(users: &str) -> impl Iterator<Item = (&str, Account)> {
    users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((
            name,
            Account {
                uid,
                gid,
                is_known: true,
            },
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\
                         broken line\n\
                         nobody:x:65534:65533::/:/usr/sbin/nologin\n\
                         postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn root_steps_down_to_the_owner_then_postgres_then_nobody() {
        let without_postgres = USERS.replace("postgres:x", "sql:x");
        let evil = USERS.replace("postgres:x:101", "postgres:x:0");
        for (users, owner, want) in [
            (USERS, None, Some((101, 104, true))),
            (USERS, Some((0, 0)), Some((101, 104, true))),
            (USERS, Some((65534, 7)), Some((65534, 65533, true))),
            (USERS, Some((1000, 1001)), Some((1000, 1001, false))),
            (without_postgres.as_str(), None, Some((65534, 65533, true))),
            (evil.as_str(), None, Some((65534, 65533, true))),
            ("root:x:0:0::/:/bin/sh", None, None),
        ] {
            let got = server_account(users, owner).map(|a| (a.uid, a.gid, a.is_known));
            assert_eq!(got, want, "owner {owner:?} in {users}");
        }
    }

    #[test]
    fn the_effective_id_is_the_second() {
        let status = "Name:\tx\nUid:\t1000\t1001\t1002\t1003\nGid:\t7\t8\t9\t10\n";
        assert_eq!(effective(status, "Uid:"), 1001);
        assert_eq!(effective(status, "Gid:"), 8);
    }
}
