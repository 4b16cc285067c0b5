//! The audit as it is read: which changes were made, what they were about by name, and which of them can be taken back.

use crate::{
    ids::ChannelId,
    sql::Sql,
    store::{Page, StoreError, undo_core},
};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// One change that was made.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Counts up.
    pub audit_id: i64,
    /// When.
    #[serde(rename = "at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What was done: `mapping.create`.
    pub action: String,
    /// To what: the id.
    pub subject: String,
    /// What that is called now, as far as it is known.
    pub subject_name: Option<String>,
    /// The row before; `None` where there was none.
    pub before: Option<Value>,
    /// The row afterwards; `None` where there is none.
    pub after: Option<Value>,
    /// Changes that were made together have the same.
    pub group_id: Option<i64>,
    /// The change that this one takes back.
    pub undoes: Option<i64>,
    /// The change that takes this one back.
    pub undone_by: Option<i64>,
    /// It is of a kind that can be taken back, and was not yet. Whether it was changed again since is found out by trying.
    pub can_undo: bool,
}

/// Which changes are meant; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this subject.
    pub subject: Option<String>,
    /// Whose action begins so: `mapping.`.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this group.
    pub group_id: Option<i64>,
    /// Which take back one of these.
    pub undoes: Option<Vec<i64>>,
}

type Columns = (
    BigInt,
    Timestamptz,
    Text,
    Text,
    Text,
    Nullable<Jsonb>,
    Nullable<Jsonb>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
);
type Row = (
    i64,
    DateTime<Utc>,
    String,
    String,
    String,
    Option<Value>,
    Option<Value>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

/// All changes, newest first; `after` is the `audit_id` of the last one seen.
///
/// # Errors
/// When the database does not answer.
pub fn list(conn: &mut PgConnection, page: Page<i64>) -> Result<Vec<AuditEntry>, StoreError> {
    list_of(conn, &AuditFilter::default(), page)
}

/// These changes, newest first; `after` is the `audit_id` of the last one seen.
///
/// # Errors
/// When the database does not answer.
pub fn list_of(
    conn: &mut PgConnection,
    filter: &AuditFilter,
    page: Page<i64>,
) -> Result<Vec<AuditEntry>, StoreError> {
    // One plan serves all values of a text: what finds the rows must be said in it.
    macro_rules! entries {
        ($subject:literal, $group:literal, $undoes:literal) => {
            concat!(
                "select a.audit_id, a.at, a.actor, a.action, a.subject, a.before, a.after, a.group_id, a.undoes, u.audit_id \
                 from audit a left join audit u on u.undoes = a.audit_id where a.audit_id < $1 and ",
                $subject,
                " and ($3 is null or starts_with(a.action, $3)) and ($4 is null or a.actor = $4) and ",
                $group,
                " and ",
                $undoes,
                " order by a.audit_id desc limit $7"
            )
        };
    }
    let text = if filter.subject.is_some() {
        entries!(
            "a.subject = $2",
            "($5 is null or a.group_id = $5)",
            "($6 is null or a.undoes = any($6))"
        )
    } else if filter.group_id.is_some() {
        entries!(
            "($2 is null or a.subject = $2)",
            "a.group_id = $5",
            "($6 is null or a.undoes = any($6))"
        )
    } else if filter.undoes.is_some() {
        entries!(
            "($2 is null or a.subject = $2)",
            "($5 is null or a.group_id = $5)",
            "a.undoes = any($6)"
        )
    } else {
        entries!(
            "($2 is null or a.subject = $2)",
            "($5 is null or a.group_id = $5)",
            "($6 is null or a.undoes = any($6))"
        )
    };
    let rows: Vec<Row> = Sql::new(text)
        .bind::<BigInt, _>(page.after.unwrap_or(i64::MAX))
        .bind::<Nullable<Text>, _>(filter.subject.as_deref())
        .bind::<Nullable<Text>, _>(filter.action.as_deref())
        .bind::<Nullable<Text>, _>(filter.actor.as_deref())
        .bind::<Nullable<BigInt>, _>(filter.group_id)
        .bind::<Nullable<Array<BigInt>>, _>(filter.undoes.as_deref())
        .bind::<BigInt, _>(page.limit)
        .rows::<Columns>()
        .load(conn)?;
    let mut entries: Vec<AuditEntry> = rows.into_iter().map(entry).collect();
    let names = Names::of(conn, &entries)?;
    for entry in &mut entries {
        entry.subject_name = names.subject(entry);
    }
    Ok(entries)
}

fn entry(row: Row) -> AuditEntry {
    let (audit_id, at, actor, action, subject, before, after, group_id, undoes, undone_by) = row;
    AuditEntry {
        can_undo: undone_by.is_none() && undo_core::is_undoable(&action),
        audit_id,
        at,
        actor,
        action,
        subject,
        subject_name: None,
        before,
        after,
        group_id,
        undoes,
        undone_by,
    }
}

/// What the subjects of a page are called.
#[derive(Debug, Default)]
struct Names {
    channels: HashMap<i64, String>,
    connectors: HashMap<String, String>,
    /// Source and target of the mappings that stand.
    mappings: HashMap<i64, (i64, i64)>,
}

/// What an entry is about, as far as names are known of it.
enum Subject<'a> {
    Connector(&'a str),
    Channel(i64),
    Mapping(Option<(i64, i64)>),
    /// The row says itself what it is called.
    Named(Option<&'a str>),
}

impl Names {
    fn of(conn: &mut PgConnection, entries: &[AuditEntry]) -> Result<Self, StoreError> {
        let mut names = Self::default();
        let unsaid: Vec<i64> = entries
            .iter()
            .filter(|entry| matches!(subject(entry), Subject::Mapping(None)))
            .filter_map(|entry| entry.subject.parse().ok())
            .collect();
        if !unsaid.is_empty() {
            let rows: Vec<(i64, i64, i64)> = Sql::new(
                "select mapping_id, source_channel_id, target_channel_id from mappings where mapping_id = any($1)",
            )
            .bind::<Array<BigInt>, _>(unsaid)
            .rows::<(BigInt, BigInt, BigInt)>()
            .load(conn)?;
            names.mappings = rows.into_iter().map(|(id, a, b)| (id, (a, b))).collect();
        }
        let (mut channels, mut connectors) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries {
            match subject(entry) {
                Subject::Connector(id) => drop(connectors.insert(id.to_owned())),
                Subject::Channel(id) => drop(channels.insert(id)),
                Subject::Mapping(ends) => {
                    if let Some((source, target)) = ends.or_else(|| names.ends(entry)) {
                        channels.extend([source, target]);
                    }
                }
                Subject::Named(_) => {}
            }
        }
        if !channels.is_empty() {
            let rows: Vec<(i64, String, Option<String>)> = Sql::new(
                "select c.channel_id, c.name, g.name from channels c left join guilds g using (guild_id) \
                 where c.channel_id = any($1)",
            )
            .bind::<Array<BigInt>, _>(channels.into_iter().collect::<Vec<_>>())
            .rows::<(BigInt, Text, Nullable<Text>)>()
            .load(conn)?;
            let full = |(id, name, guild): (i64, String, Option<String>)| match guild {
                Some(guild) => (id, format!("{guild} / {name}")),
                None => (id, name),
            };
            names.channels = rows.into_iter().map(full).collect();
        }
        if !connectors.is_empty() {
            let rows: Vec<(String, String)> =
                Sql::new("select connector_id, name from connectors where connector_id = any($1)")
                    .bind::<Array<Text>, _>(connectors.into_iter().collect::<Vec<_>>())
                    .rows::<(Text, Text)>()
                    .load(conn)?;
            names.connectors = rows.into_iter().collect();
        }
        Ok(names)
    }

    fn ends(&self, entry: &AuditEntry) -> Option<(i64, i64)> {
        self.mappings.get(&entry.subject.parse().ok()?).copied()
    }

    fn subject(&self, entry: &AuditEntry) -> Option<String> {
        match subject(entry) {
            Subject::Connector(id) => self.connectors.get(id).cloned(),
            Subject::Channel(id) => self.channels.get(&id).cloned(),
            Subject::Mapping(ends) => {
                let (source, target) = ends.or_else(|| self.ends(entry))?;
                let name = |id: i64| {
                    self.channels
                        .get(&id)
                        .cloned()
                        .unwrap_or_else(|| id.to_string())
                };
                Some(format!("{} → {}", name(source), name(target)))
            }
            Subject::Named(name) => name.map(str::to_owned),
        }
    }
}

fn subject(entry: &AuditEntry) -> Subject<'_> {
    let row = entry.after.as_ref().or(entry.before.as_ref());
    let id = |field: &str| -> Option<i64> {
        let id: ChannelId = row?.get(field)?.as_str()?.parse().ok()?;
        Some(id.get())
    };
    match entry.action.split_once('.').map_or("", |(kind, _)| kind) {
        "connector" => Subject::Connector(&entry.subject),
        "mapping" => Subject::Mapping(id("source_channel_id").zip(id("target_channel_id"))),
        "channel_role" => entry
            .subject
            .rsplit_once('/')
            .and_then(|(_, channel)| channel.parse().ok())
            .map_or(Subject::Named(None), Subject::Channel),
        "channel" | "target" => entry
            .subject
            .parse()
            .map_or(Subject::Named(None), Subject::Channel),
        _ => Subject::Named(row.and_then(|row| row.get("name")).and_then(Value::as_str)),
    }
}

/// The changes of the same row that are younger than this one, oldest first.
///
/// # Errors
/// When the database does not answer.
pub(in crate::store) fn later(
    conn: &mut PgConnection,
    entry: &AuditEntry,
) -> Result<Vec<AuditEntry>, StoreError> {
    let kind = entry.action.split_once('.').map_or("", |(kind, _)| kind);
    let rows: Vec<Row> = Sql::new(
        "select audit_id, at, actor, action, subject, before, after, group_id, undoes, null::bigint from audit \
         where subject = $1 and starts_with(action, $2) and audit_id > $3 order by audit_id limit 500",
    )
    .bind::<Text, _>(&entry.subject)
    .bind::<Text, _>(format!("{kind}."))
    .bind::<BigInt, _>(entry.audit_id)
    .rows::<Columns>()
    .load(conn)?;
    Ok(rows.into_iter().map(self::entry).collect())
}
