//! Makes the directories and files of a private PostgreSQL with the right owners and modes, and holds the lock on them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use crate::account::Accounts;
use crate::error::StartError;

/// Makes the data directory and what is missing above it, open enough for the account of the server to pass. Directories
/// that exist keep their modes.
pub(crate) fn create_home(home: &Path, accounts: &Accounts) -> Result<(), StartError> {
    let mode = if accounts.steps_down { 0o711 } else { 0o700 };
    let mut missing: Vec<&Path> = home.ancestors().take_while(|path| !path.exists()).collect();
    missing.reverse();
    for dir in missing {
        match fs::create_dir(dir) {
            // The umask may have taken bits away.
            Ok(()) => fs::set_permissions(dir, Permissions::from_mode(mode))
                .map_err(StartError::io("open", dir))?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StartError::io("create", dir)(error)),
        }
    }
    Ok(())
}

/// Makes sure that a directory with mode 0700 exists and belongs to the account of the server. One that exists must be
/// exactly that: below `/tmp` somebody else may have put a directory or a symlink there first.
pub(crate) fn private_dir(dir: &Path, accounts: &Accounts) -> Result<(), StartError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) if accounts.steps_down => {
            let (uid, gid) = (accounts.server.uid, accounts.server.gid);
            chown(dir, Some(uid), Some(gid)).map_err(StartError::io("give away", dir))?;
        }
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(StartError::io("create", dir)(error)),
    }
    let metadata = fs::symlink_metadata(dir).map_err(StartError::io("look at", dir))?;
    let (uid, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if !metadata.is_dir() || uid != accounts.server.uid || mode != 0o700 {
        return Err(StartError::NoPermission {
            path: dir.to_owned(),
            reason: format!(
                "it must be a directory of user id {} with mode 0700, but belongs to {uid} with mode {mode:04o}: remove it",
                accounts.server.uid
            ),
        });
    }
    Ok(())
}

/// Replaces a file in one step, readable for the account of the server.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), StartError> {
    let fresh = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&fresh)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&fresh, path)
    };
    write().map_err(StartError::io("write", path))
}

/// The exclusive use of a data directory, for as long as it lives. The kernel releases it however the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it at once or says who has it. The file names the holder and is never removed: removing it would let two
    /// processes lock two files.
    pub(crate) fn take(home: &Path) -> Result<Self, StartError> {
        let path = home.join("private-postgres.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(&path)
            .map_err(StartError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // A holder that has not written its number yet is shown as unknown.
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                return Err(StartError::InUse {
                    data_dir: home.to_owned(),
                    pid: if holder.is_empty() { "?" } else { holder }.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(StartError::io("lock", &path)(error)),
        }
        let pid = std::process::id();
        file.set_len(0)
            .and_then(|()| writeln!(file, "{pid}"))
            .map_err(StartError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}
