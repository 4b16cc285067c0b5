//! The log file the server's stderr goes to: rotated at start so that it stays bounded, and read back when a start fails.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::StartError;

/// Beyond this the log is set aside at the next start; one old log is kept.
const LOG_BYTES_MAX: u64 = 8 << 20;

/// How much of a log an error shows.
const SHOWN_LINES_MAX: usize = 12;
const SHOWN_BYTES_MAX: u64 = 16 << 10;

#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    pub(crate) fn in_home(home: &Path) -> Self {
        Self {
            path: home.join("postgres.log"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for appending; returns its length so far with it. Readable for its owner only: statements may be in it.
    pub(crate) fn open(&self) -> Result<(File, u64), StartError> {
        let io = || StartError::io("open", &self.path);
        if self.bytes() > LOG_BYTES_MAX {
            fs::rename(&self.path, self.path.with_extension("log.1")).map_err(io())?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(io())?;
        Ok((file, self.bytes()))
    }

    fn bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// The last lines written since the file was `from` bytes long.
    pub(crate) fn last_lines(&self, from: u64) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let start = from.max(self.bytes().saturating_sub(SHOWN_BYTES_MAX));
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.take(SHOWN_BYTES_MAX).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        last_lines(&read().unwrap_or_default())
    }
}

/// The last lines of what a process said.
pub(crate) fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN_LINES_MAX)..];
    if shown.is_empty() {
        "(nothing)".to_owned()
    } else {
        shown.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_shown() {
        let many: String = (0..40).map(|n| format!("line {n}\n\n")).collect();
        let shown = last_lines(many.as_bytes());
        assert_eq!(shown.lines().count(), SHOWN_LINES_MAX);
        assert!(
            shown.starts_with("line 28") && shown.ends_with("line 39"),
            "{shown}"
        );
        assert_eq!(last_lines(b"\n \n"), "(nothing)");
        assert_eq!(last_lines(b"a\xff\n"), "a\u{fffd}");
    }
}
