//! Takes changes of the configuration back: one, or all that were made together. Each goes back through the same function, and so
//! through the same checks, as if a person made the opposite change now; what may go back is decided in [`undo_core`].

use super::{
    Page, StoreError,
    audit::{self, AuditEntry, AuditFilter, changing, grouped, undoing},
    channel_roles::{self, ChannelRoleRow, RoleSettings},
    channels,
    connectors::{self, ConnectorChange},
    mappings::{self, Edit, MappingChange, MappingSettings},
    sightings, target_channels,
    undo_core::{Fields, Kind, Plan, kind},
};
use crate::{
    ids::{ChannelId, GuildId, RoleId},
    rules::{self, MappingRules},
};
use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Changes of one group that can be taken back at once.
pub const GROUP_MAX: usize = 2_000;

/// What was taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct Undone {
    /// The changes that take back, newest first.
    pub entries: Vec<AuditEntry>,
    /// Target channels of which a person's decision changed: their mirrors have to be told.
    pub targets: Vec<ChannelId>,
}

/// Takes this change back, or with `whole_group` all that were made together with it and stand, newest first, all or none. Taking
/// back what takes back makes the change again.
///
/// # Errors
/// [`StoreError::NotFound`] without the change; [`StoreError::Refused`] for one that cannot be taken back; [`StoreError::OtherState`]
/// when it was taken back already, or what it changed was changed again since; a refusal as of any change. Then nothing is done.
pub fn undo(
    conn: &mut PgConnection,
    actor: &str,
    audit_id: i64,
    whole_group: bool,
) -> Result<Undone, StoreError> {
    changing(conn, |conn| {
        sightings::alone_for_all_connectors(conn)?;
        let named = find(conn, audit_id)?;
        let entries = match named.group_id.filter(|_| whole_group) {
            None => vec![named],
            Some(group_id) => of_group(conn, group_id)?,
        };
        let mut ids: Vec<i64> = Vec::with_capacity(entries.len());
        if let [one] = &entries[..]
            && let Some(by) = one.undone_by
        {
            return Err(StoreError::OtherState(format!(
                "change {audit_id} was taken back already, by change {by}"
            )));
        }
        let mut targets = Vec::new();
        let mut take_back = |conn: &mut PgConnection| {
            for entry in entries.iter().filter(|entry| entry.undone_by.is_none()) {
                ids.push(entry.audit_id);
                one(conn, actor, entry)?;
                if kind(&entry.action) == Some(Kind::Target) {
                    targets.extend(entry.subject.parse::<ChannelId>());
                }
            }
            Ok(())
        };
        if entries.len() > 1 {
            grouped(conn, take_back)?;
        } else {
            take_back(conn)?;
        }
        if ids.is_empty() {
            return Err(StoreError::OtherState(format!(
                "all changes that were made together with {audit_id} were taken back already"
            )));
        }
        let filter = AuditFilter {
            undoes: Some(ids),
            ..AuditFilter::default()
        };
        let page = Page {
            after: None,
            limit: i64::MAX,
        };
        let entries = audit::list_of(conn, &filter, page)?;
        Ok(Undone { entries, targets })
    })
}

fn find(conn: &mut PgConnection, audit_id: i64) -> Result<AuditEntry, StoreError> {
    let page = Page {
        after: Some(audit_id.saturating_add(1)),
        limit: 1,
    };
    let found = audit::list(conn, page)?.pop();
    found
        .filter(|entry| entry.audit_id == audit_id)
        .ok_or(StoreError::NotFound("such change"))
}

fn of_group(conn: &mut PgConnection, group_id: i64) -> Result<Vec<AuditEntry>, StoreError> {
    let filter = AuditFilter {
        group_id: Some(group_id),
        ..AuditFilter::default()
    };
    let page = Page {
        after: None,
        limit: i64::try_from(GROUP_MAX).unwrap_or(i64::MAX) + 1,
    };
    let entries = audit::list_of(conn, &filter, page)?;
    if entries.len() > GROUP_MAX {
        return Err(StoreError::Refused(format!(
            "more than {GROUP_MAX} changes were made together: take them back one by one, or apply an earlier configuration"
        )));
    }
    Ok(entries)
}

fn one(conn: &mut PgConnection, actor: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    let id = entry.audit_id;
    let Some(kind) = kind(&entry.action) else {
        return Err(StoreError::Refused(format!(
            "change {id} ({}) cannot be taken back",
            entry.action
        )));
    };
    let present = present(conn, kind, &entry.subject)?;
    let plan = kind.plan(
        entry.before.as_ref(),
        entry.after.as_ref(),
        present.as_ref(),
    );
    let plan = match plan {
        Ok(plan) => plan,
        Err(since) => {
            let later = audit::later(conn, entry)?;
            return Err(StoreError::OtherState(changed_since(
                entry, kind, &since.0, &later,
            )));
        }
    };
    undoing(conn, id, |conn| {
        let restored = Restored {
            conn,
            actor,
            entry,
            present: present.as_ref(),
        };
        match kind {
            Kind::Mapping => restored.mapping(plan),
            Kind::ChannelRole => restored.channel_role(plan),
            Kind::Visibility => restored.visibility(plan),
            Kind::Connector => restored.connector(plan),
            Kind::Target => restored.target(plan),
        }
    })
    .map_err(StoreError::of_no_field)
}

/// Names the change that is in the way.
fn changed_since(entry: &AuditEntry, kind: Kind, fields: &[&str], later: &[AuditEntry]) -> String {
    let touches = |later: &&AuditEntry| {
        let [before, after] = [&later.before, &later.after].map(|row| kind.decided(row.as_ref()));
        let differences = kind.differences(before.as_ref(), after.as_ref());
        differences.iter().any(|field| fields.contains(field))
    };
    let (id, subject) = (entry.audit_id, &entry.subject);
    match later.iter().rev().find(touches) {
        Some(by) => format!(
            "what change {id} did to {subject} was changed again by change {} ({} by {}): take that back first",
            by.audit_id, by.action, by.actor
        ),
        None => format!("what change {id} did to {subject} does not stand any more"),
    }
}

/// The row as the administration shows it now.
fn present(
    conn: &mut PgConnection,
    kind: Kind,
    subject: &str,
) -> Result<Option<Value>, StoreError> {
    let channel = || {
        subject
            .parse::<ChannelId>()
            .map_err(|error| corrupt(subject, error))
    };
    match kind {
        Kind::Mapping => {
            let id: i64 = subject.parse().map_err(|error| corrupt(subject, error))?;
            shown(mappings::find(conn, id))
        }
        Kind::ChannelRole => {
            let (connector, channel) = role_of(subject)?;
            Ok(json(&channel_roles::find(conn, connector, channel)?)?.filter(|row| !row.is_null()))
        }
        Kind::Visibility => {
            Ok(json(&channels::find(conn, channel()?)?)?.filter(|row| !row.is_null()))
        }
        Kind::Connector => shown(connectors::find(conn, subject)),
        Kind::Target => json(&target_channels::get(conn, channel()?)?),
    }
}

fn role_of(subject: &str) -> Result<(&str, ChannelId), StoreError> {
    let (connector, channel) = subject
        .rsplit_once('/')
        .ok_or_else(|| corrupt(subject, "no connector"))?;
    let channel = channel.parse().map_err(|error| corrupt(subject, error))?;
    Ok((connector, channel))
}

fn shown<Row: Serialize>(found: Result<Row, StoreError>) -> Result<Option<Value>, StoreError> {
    match found {
        Ok(row) => json(&row),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn json<Row: Serialize>(row: &Row) -> Result<Option<Value>, StoreError> {
    serde_json::to_value(row)
        .map(Some)
        .map_err(|error| corrupt("a row", error))
}

fn corrupt(what: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("audit: {what}: {why}"))
}

/// Makes the opposite change.
struct Restored<'a> {
    conn: &'a mut PgConnection,
    actor: &'a str,
    entry: &'a AuditEntry,
    present: Option<&'a Value>,
}

/// A mapping as the audit holds it.
#[derive(Deserialize)]
struct SavedMapping {
    source_channel_id: ChannelId,
    target_channel_id: ChannelId,
    tier: i16,
    ping_role_id: Option<RoleId>,
    priority: i32,
    is_enabled: bool,
}

#[derive(Deserialize)]
struct SavedRole {
    guild_id: GuildId,
    is_source: bool,
    is_target: bool,
    is_enabled: bool,
    thread_mode: String,
}

impl Restored<'_> {
    /// The decided fields of the row as it stands, with these in place of its own.
    fn merged(&self, kind: Kind, fields: Fields) -> Fields {
        let mut row = kind.decided(self.present).unwrap_or_default();
        row.extend(fields);
        row
    }

    fn read<T: DeserializeOwned>(&self, fields: Fields) -> Result<T, StoreError> {
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| corrupt(&format!("change {}", self.entry.audit_id), error))
    }

    fn number(row: Option<&Value>, field: &str) -> Result<i64, StoreError> {
        row.and_then(|row| row.get(field))
            .and_then(Value::as_i64)
            .ok_or_else(|| corrupt(field, "no number"))
    }

    fn mapping_settings(&self, mut fields: Fields) -> Result<MappingSettings, StoreError> {
        let mut of_rules = Fields::new();
        for field in rules::FIELDS {
            if let Some(value) = fields.remove(field).filter(|value| !value.is_null()) {
                of_rules.insert(field.to_owned(), value);
            }
        }
        let rules: MappingRules = self.read(of_rules)?;
        let saved: SavedMapping = self.read(fields)?;
        Ok(MappingSettings {
            source_channel_id: saved.source_channel_id,
            target_channel_id: saved.target_channel_id,
            tier: saved.tier,
            ping_role_id: saved.ping_role_id,
            priority: saved.priority,
            is_enabled: saved.is_enabled,
            rules,
        })
    }

    fn mapping(self, plan: Plan) -> Result<(), StoreError> {
        let mapping_id = self
            .entry
            .subject
            .parse()
            .map_err(|error| corrupt(&self.entry.subject, error))?;
        let edit = match plan {
            Plan::Remove => Edit::Remove {
                mapping_id,
                version: Self::number(self.present, "version")?,
            },
            Plan::Create(fields) => {
                let gone = self.entry.before.as_ref();
                let created_at_ms = Self::number(gone, "created_at_ms")?;
                Edit::Restore {
                    mapping_id,
                    version: Self::number(gone, "version")? + 1,
                    created_at: DateTime::<Utc>::from_timestamp_millis(created_at_ms)
                        .ok_or_else(|| corrupt("created_at_ms", "no time"))?,
                    settings: self.mapping_settings(fields)?,
                }
            }
            Plan::Change(fields) => Edit::Change {
                mapping_id,
                version: Self::number(self.present, "version")?,
                change: MappingChange::to(
                    &self.mapping_settings(self.merged(Kind::Mapping, fields))?,
                ),
            },
        };
        mappings::one(self.conn, self.actor, &edit).map(drop)
    }

    fn role(&self, fields: Fields) -> Result<RoleSettings, StoreError> {
        let saved: SavedRole = self.read(fields)?;
        Ok(RoleSettings {
            guild_id: saved.guild_id,
            is_source: saved.is_source,
            is_target: saved.is_target,
            is_enabled: saved.is_enabled,
            thread_mode: saved.thread_mode,
        })
    }

    fn channel_role(self, plan: Plan) -> Result<(), StoreError> {
        let (connector, channel) = role_of(&self.entry.subject)?;
        match plan {
            Plan::Remove => {
                let version = Self::number(self.present, "version")?;
                channel_roles::remove(self.conn, self.actor, connector, channel, version)
            }
            Plan::Create(fields) => {
                let row = ChannelRoleRow::from_settings(
                    connector,
                    channel,
                    self.role(fields)?,
                    Self::number(self.entry.before.as_ref(), "version")? + 1,
                );
                channel_roles::restore(self.conn, self.actor, &row)
            }
            Plan::Change(fields) => {
                let settings = self.role(self.merged(Kind::ChannelRole, fields))?;
                let version = Some(Self::number(self.present, "version")?);
                channel_roles::put(
                    self.conn, self.actor, connector, channel, &settings, version,
                )
                .map(drop)
            }
        }
    }

    fn visibility(self, plan: Plan) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Saved {
            min_tier: Option<i16>,
        }
        let Plan::Change(fields) = plan else {
            return Ok(());
        };
        let saved: Saved = self.read(fields)?;
        let channel = channel_of(self.entry)?;
        channels::set_visibility(self.conn, self.actor, channel, saved.min_tier).map(drop)
    }

    fn connector(self, plan: Plan) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Saved {
            name: Option<String>,
            status: Option<String>,
            ingest_enabled: Option<bool>,
            forward_enabled: Option<bool>,
        }
        let Plan::Change(fields) = plan else {
            return Err(StoreError::Refused(
                "a connector that is gone does not come back".to_owned(),
            ));
        };
        let saved: Saved = self.read(fields)?;
        let change = ConnectorChange {
            name: saved.name,
            is_paused: saved.status.map(|status| status == "paused"),
            ingest_enabled: saved.ingest_enabled,
            forward_enabled: saved.forward_enabled,
        };
        let version = Self::number(self.present, "version")?;
        let id = &self.entry.subject;
        connectors::change(self.conn, self.actor, id, version, &change).map(drop)
    }

    fn target(self, plan: Plan) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Saved {
            is_paused: Option<bool>,
            is_target: Option<bool>,
        }
        let Plan::Change(fields) = plan else {
            return Ok(());
        };
        let saved: Saved = self.read(fields)?;
        let target = channel_of(self.entry)?;
        let version = Self::number(self.present, "version")?;
        if let Some(is_paused) = saved.is_paused {
            target_channels::set_paused(self.conn, self.actor, target, version, is_paused)?;
        }
        if let Some(is_target) = saved.is_target {
            target_channels::set_offered(self.conn, self.actor, target, version, is_target)?;
        }
        Ok(())
    }
}

fn channel_of(entry: &AuditEntry) -> Result<ChannelId, StoreError> {
    let subject = &entry.subject;
    subject.parse().map_err(|error| corrupt(subject, error))
}

#[cfg(test)]
mod tests;
