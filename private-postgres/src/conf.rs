//! The settings file of the cluster, as text. Pure: what is durable, what is bounded, and that nothing listens but the socket.

use std::path::Path;

/// What of the settings file varies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conf<'a> {
    /// Absolute, UTF-8.
    pub(crate) socket_dir: &'a str,
    pub(crate) port: u16,
    pub(crate) connections_max: u16,
    /// False gives up every promise after a crash of the machine, though not of the server: tests only.
    pub(crate) durable: bool,
    pub(crate) wal_compression: WalCompression,
    /// The operator's own settings, read last; none if there is no such file (PostgreSQL would log its absence each time).
    pub(crate) local_conf: Option<&'a Path>,
}

/// How the write-ahead log is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalCompression {
    /// Cheaper in CPU, from PostgreSQL 15 on and only where it was built in.
    Lz4,
    /// PostgreSQL's own, in every build.
    Pglz,
}

/// Settings that never vary. Values are chosen for a router beside its database on a small machine.
const FIXED: &[(&str, &str)] = &[
    // Even without fsync a commit reaches the kernel, so that a killed server loses nothing.
    ("synchronous_commit", "on"),
    ("listen_addresses", "''"),
    ("unix_socket_permissions", "0700"),
    // Every role here is the superuser: connections kept back for one would only be lost to it.
    ("superuser_reserved_connections", "0"),
    ("shared_buffers", "128MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    ("random_page_cost", "1.1"),
    // Compiling a plan costs more than any of our short queries.
    ("jit", "off"),
    ("autovacuum", "on"),
    ("autovacuum_naptime", "30s"),
    ("autovacuum_vacuum_scale_factor", "0.05"),
    ("autovacuum_vacuum_insert_scale_factor", "0.1"),
    ("autovacuum_analyze_scale_factor", "0.05"),
    ("idle_in_transaction_session_timeout", "30s"),
    // stderr goes to the log file the parent opened.
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_min_messages", "warning"),
    ("log_line_prefix", "'%m [%p] '"),
    // Bound values may be secrets.
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_timezone", "'UTC'"),
    ("timezone", "'UTC'"),
    ("datestyle", "'iso, ymd'"),
    ("lc_messages", "'C'"),
];

impl Conf<'_> {
    /// The whole file.
    pub(crate) fn text(&self) -> String {
        let on = if self.durable { "on" } else { "off" };
        let compression = match self.wal_compression {
            WalCompression::Lz4 => "lz4",
            // `on` means pglz, and PostgreSQL 14 knows no other word for it.
            WalCompression::Pglz => "on",
        };
        let varying = [
            (
                "unix_socket_directories",
                quoted(&list_item(self.socket_dir)),
            ),
            ("port", self.port.to_string()),
            ("max_connections", self.connections_max.max(1).to_string()),
            ("fsync", on.to_owned()),
            ("full_page_writes", on.to_owned()),
            ("wal_compression", compression.to_owned()),
        ];
        let mut text = String::from(
            "# Written again at each start. Put your own settings into local.conf beside this file.\n",
        );
        let fixed = FIXED.iter().map(|&(name, value)| (name, value.to_owned()));
        for (name, value) in varying.into_iter().chain(fixed) {
            text.push_str(&format!("{name} = {value}\n"));
        }
        if let Some(local_conf) = self.local_conf {
            let local_conf = quoted(&local_conf.to_string_lossy());
            text.push_str(&format!("include_if_exists {local_conf}\n"));
        }
        text
    }
}

/// A value of the settings file: quotes and backslashes are doubled.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// One item of a comma-separated list setting.
fn list_item(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines(durable: bool, wal_compression: WalCompression, socket_dir: &str) -> Vec<String> {
        let conf = Conf {
            socket_dir,
            port: 5433,
            connections_max: 40,
            durable,
            wal_compression,
            local_conf: durable.then_some(Path::new("/d/local.conf")),
        };
        conf.text().lines().map(str::to_owned).collect()
    }

    #[test]
    fn durable_means_all_three_and_listens_nowhere() {
        let text = lines(true, WalCompression::Lz4, "/d/socket");
        for want in [
            "fsync = on",
            "synchronous_commit = on",
            "full_page_writes = on",
            "listen_addresses = ''",
            "unix_socket_permissions = 0700",
            "unix_socket_directories = '\"/d/socket\"'",
            "port = 5433",
            "max_connections = 40",
            "wal_compression = lz4",
        ] {
            assert!(text.iter().any(|line| line == want), "{want} in {text:#?}");
        }
        assert_eq!(text.last().unwrap(), "include_if_exists '/d/local.conf'");
    }

    #[test]
    fn no_setting_is_given_twice() {
        let text = lines(false, WalCompression::Pglz, "/d");
        let mut names: Vec<&str> = text
            .iter()
            .filter_map(|l| Some(l.split_once(" = ")?.0))
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(!text.iter().any(|line| line.starts_with("include")));
        assert!(text.iter().any(|line| line == "fsync = off"));
        assert!(text.iter().any(|line| line == "synchronous_commit = on"));
        assert!(text.iter().any(|line| line == "wal_compression = on"));
    }

    #[test]
    fn paths_survive_both_layers_of_quoting() {
        let text = lines(true, WalCompression::Lz4, r#"/it's "a", b\c"#);
        let want = r#"unix_socket_directories = '"/it''s ""a"", b\\c"'"#;
        assert!(text.iter().any(|line| line == want), "{want} in {text:#?}");
    }
}
