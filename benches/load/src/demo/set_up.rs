//! Owns the configuration of the demo, made through the admin listener as a person would, and made again without harm at
//! every start: connector, sources, visibility, targets, mappings, names.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use demo_connector::{Channel, demo_guild, source_channels, target_channels};
use serde_json::json;

use crate::children::wait_for;
use crate::failure::{Doing, Failure, Outcome};
use crate::http::HttpClient;
use crate::stage::{AddressBook, Admin, MappingWish};

/// Tenant of the demo connector.
pub(super) const TENANT: &str = "demo";
/// Its id.
pub(super) const CONNECTOR: &str = "demo";
/// How long the connector may take to answer a request for names; the demo works without them.
const NAMES_WITHIN: Duration = Duration::from_secs(10);
/// A connector answers requests that are newer than the one it found when it first asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Everything but the names, before the connector starts.
pub(super) fn configure(admin: &Admin, book: &AddressBook, token_file: &Path) -> Outcome<()> {
    token(admin, book, token_file)?;
    admin.patch_connector(
        CONNECTOR,
        &json!({"status": "active", "ingest_enabled": true, "forward_enabled": true}),
    )?;
    let known = admin.all("/api/mappings")?;
    admin.refresh_bot()?;
    for (source, target) in source_channels().iter().zip(&target_channels()) {
        let (source_id, target_id) = (id(source.id)?, id(target.id)?);
        admin.mark_channel(CONNECTOR, id(source.guild_id)?, source_id, true, false)?;
        admin.offer_target(target_id)?;
        admin.set_visibility(source_id, Some(0))?;
        let exists = known.iter().any(|mapping| {
            mapping["source_channel_id"] == source.id && mapping["target_channel_id"] == target.id
        });
        if !exists {
            admin.create_mapping(MappingWish {
                source_channel_id: source_id,
                target_channel_id: target_id,
            })?;
        }
    }
    Ok(())
}

/// A token that works, in its file: the one of an earlier start, or a new one.
fn token(admin: &Admin, book: &AddressBook, token_file: &Path) -> Outcome<()> {
    if admin.connector(CONNECTOR)?.is_none() {
        let connector = admin.create_connector(CONNECTOR, TENANT)?;
        return keep(token_file, &connector.token);
    }
    if let Ok(token) = fs::read_to_string(token_file)
        && is_valid(book, token.trim())?
    {
        return Ok(());
    }
    keep(token_file, &admin.rotate(CONNECTOR)?)
}

fn is_valid(book: &AddressBook, token: &str) -> Outcome<bool> {
    let mut client = HttpClient::new(book.now().ingest, Duration::from_secs(10));
    let path = format!("/connectors/{CONNECTOR}/runtime-config?tenant_key={TENANT}");
    let bearer = format!("Bearer {token}");
    let response = client
        .request("GET", &path, &[("authorization", &bearer)], None)
        .doing("asking with the kept token")?;
    Ok(response.status == 200)
}

/// Only its owner may read it, from the first byte on.
fn keep(token_file: &Path, token: &str) -> Outcome<()> {
    // An older file may have other rights.
    let _ = fs::remove_file(token_file);
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(token_file)?;
        file.write_all(token.as_bytes())
    };
    write().doing(format!("writing {}", token_file.display()))
}

/// Asks the connector for the names of its guild and channels until they are known; those of the customers' guild the bot reads.
/// Without them the demo works all the same.
pub(super) fn names(admin: &Admin, stop: &AtomicBool) -> Outcome<()> {
    let (guild, channels) = (demo_guild(), source_channels());
    let discovery = format!("/api/connectors/{CONNECTOR}/discovery");
    let known = format!("/api/channels?guild_id={}", guild.id);
    let mut asked: Option<std::time::Instant> = None;
    let _ = wait_for("names of channels", NAMES_WITHIN, || {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::new("stopped"));
        }
        if are_named(admin, &known, &channels)? {
            return Ok(Some(()));
        }
        if asked.is_none_or(|at| at.elapsed() > ASK_AGAIN_AFTER) {
            asked = Some(std::time::Instant::now());
            admin.ask("POST", &discovery, Some(&json!({"guild_id": guild.id})))?;
        }
        std::thread::sleep(Duration::from_millis(50));
        Ok(None)
    });
    Ok(())
}

fn are_named(admin: &Admin, path: &str, channels: &[Channel]) -> Outcome<bool> {
    let known = admin.all(path)?;
    Ok(channels.iter().all(|channel| {
        known
            .iter()
            .any(|row| row["channel_id"] == channel.id && row["name"] == channel.name)
    }))
}

fn id(text: &str) -> Outcome<u64> {
    text.parse().doing(format!("the id {text}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_is_kept_where_only_its_owner_reads_it() {
        let file = std::env::temp_dir().join(format!("token-{}", std::process::id()));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        keep(&file, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::remove_file(&file).unwrap();
    }
}
