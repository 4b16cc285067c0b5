//! Writes libpq URLs for a unix socket. Pure.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `postgresql:///<database>?host=<socket directory>&port=<port>&user=<role>`, each part percent-encoded.
pub(crate) fn socket_url(socket_dir: &Path, port: u16, role: &str, database: &str) -> String {
    format!(
        "postgresql:///{}?host={}&port={port}&user={}",
        encoded(database.as_bytes()),
        encoded(socket_dir.as_os_str().as_bytes()),
        encoded(role.as_bytes()),
    )
}

/// Keeps what RFC 3986 calls unreserved; the slashes of a path are encoded too, libpq decodes them.
fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_encoded() {
        for (dir, role, database, want) in [
            (
                "/run/pg",
                "heliograph",
                "heliograph",
                "postgresql:///heliograph?host=%2Frun%2Fpg&port=5432&user=heliograph",
            ),
            (
                "/a b/ü",
                "r",
                "d",
                "postgresql:///d?host=%2Fa%20b%2F%C3%BC&port=5432&user=r",
            ),
            (
                "/x&y=z",
                "a@b",
                "a/b?c",
                "postgresql:///a%2Fb%3Fc?host=%2Fx%26y%3Dz&port=5432&user=a%40b",
            ),
            (
                "/p%20",
                "-._~",
                "#",
                "postgresql:///%23?host=%2Fp%2520&port=5432&user=-._~",
            ),
        ] {
            assert_eq!(socket_url(Path::new(dir), 5432, role, database), want);
        }
    }
}
