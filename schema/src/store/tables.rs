//! The columns as diesel knows them, in the order of the migrations. What they mean stands there.
#![allow(missing_docs)]

diesel::table! {
    use diesel::sql_types::*;

    connectors (connector_id) {
        connector_id -> Text,
        tenant_key -> Text,
        name -> Text,
        token_hash -> Bytea,
        is_paused -> Bool,
        ingest_enabled -> Bool,
        forward_enabled -> Bool,
        config_version -> Int8,
        discovery_request_version -> Int8,
        discovery_guild_id -> Nullable<Int8>,
        discovery_requested_at -> Nullable<Timestamptz>,
        version -> Int8,
        last_seen_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        previous_token_hash -> Nullable<Bytea>,
        previous_token_until -> Nullable<Timestamptz>,
        discovery_picked_up_at -> Nullable<Timestamptz>,
        discovery_answered_at -> Nullable<Timestamptz>,
        discovery_guilds -> Nullable<Int4>,
        discovery_channels -> Nullable<Int4>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    guilds (guild_id) {
        guild_id -> Int8,
        name -> Text,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    channels (channel_id) {
        channel_id -> Int8,
        guild_id -> Int8,
        parent_id -> Nullable<Int8>,
        name -> Text,
        kind -> Nullable<Int2>,
        position -> Nullable<Int4>,
        min_tier -> Nullable<Int2>,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    threads (thread_id) {
        thread_id -> Int8,
        parent_channel_id -> Int8,
        guild_id -> Int8,
        name -> Text,
        archived -> Bool,
        locked -> Bool,
        auto_archive_duration -> Nullable<Int4>,
        archive_timestamp -> Nullable<Timestamptz>,
        message_count -> Nullable<Int4>,
        member_count -> Nullable<Int4>,
        rate_limit_per_user -> Nullable<Int4>,
        owner_id -> Nullable<Int8>,
        owner_username -> Nullable<Text>,
        owner_global_name -> Nullable<Text>,
        last_message_id -> Nullable<Int8>,
        last_message_at -> Nullable<Timestamptz>,
        created_timestamp -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    thread_members (thread_id, user_id) {
        thread_id -> Int8,
        user_id -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    channel_roles (connector_id, channel_id) {
        connector_id -> Text,
        channel_id -> Int8,
        guild_id -> Int8,
        is_source -> Bool,
        is_target -> Bool,
        is_enabled -> Bool,
        thread_mode -> Text,
        version -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    mappings (mapping_id) {
        mapping_id -> Int8,
        source_channel_id -> Int8,
        target_channel_id -> Int8,
        tier -> Int2,
        ping_role_id -> Nullable<Int8>,
        priority -> Int4,
        is_enabled -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        rule_set_id -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    rule_sets (rule_set_id) {
        rule_set_id -> Int8,
        digest -> Bytea,
        rules -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    session_tokens (session_token_id) {
        session_token_id -> Int8,
        name -> Text,
        token_hash -> Bytea,
        tier -> Int2,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    channel_heads (channel_id) {
        channel_id -> Int8,
        epoch -> Int4,
        seq -> Int8,
        newest_known_id -> Int8,
        newest_created_id -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    signals (signal_id) {
        signal_id -> Int8,
        channel_id -> Int8,
        is_visible -> Bool,
        revision -> Int4,
        state -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::pg::sql_types::CChar;

    revisions (channel_id, epoch, seq) {
        channel_id -> Int8,
        epoch -> Int4,
        seq -> Int8,
        signal_id -> Int8,
        revision -> Int4,
        kind -> CChar,
        committed_at -> Timestamptz,
        frame -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::pg::sql_types::CChar;

    deliveries (signal_id, target_channel_id) {
        signal_id -> Int8,
        target_channel_id -> Int8,
        source_channel_id -> Int8,
        mapping_id -> Int8,
        ping_role_id -> Nullable<Int8>,
        ordinal -> Int8,
        desired_revision -> Int4,
        delivered_revision -> Int4,
        state -> CChar,
        attempts -> Int4,
        next_attempt_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        delivered_at -> Nullable<Timestamptz>,
        rule_set_id -> Nullable<Int8>,
        wanted_at -> Timestamptz,
        repairs -> Int4,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    mirrored_parts (signal_id, target_channel_id, part) {
        signal_id -> Int8,
        target_channel_id -> Int8,
        part -> Int2,
        message_id -> Int8,
        digest -> Bytea,
        posted_at -> Timestamptz,
        mirrored_thread_id -> Nullable<Int8>,
        webhook_id -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    target_channels (target_channel_id) {
        target_channel_id -> Int8,
        is_paused -> Bool,
        guild_id -> Nullable<Int8>,
        kind -> Nullable<Int2>,
        inspected_at -> Nullable<Timestamptz>,
        obstacle -> Nullable<Text>,
        version -> Int8,
        is_target -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    mirrored_threads (target_channel_id, thread_id) {
        target_channel_id -> Int8,
        thread_id -> Int8,
        mirrored_thread_id -> Int8,
        is_archived -> Bool,
        wants_archived -> Bool,
        opened_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    reconciliations (reconciliation_id) {
        reconciliation_id -> Int8,
        target_channel_id -> Int8,
        asked_at -> Timestamptz,
        asked_by -> Text,
        finished_at -> Nullable<Timestamptz>,
        report -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    /// It has no key; diesel wants one, and no query of ours asks by it.
    raw_batches (received_at, connector_id, kind, correlation_id) {
        received_at -> Timestamptz,
        connector_id -> Text,
        kind -> Text,
        correlation_id -> Text,
        body -> Bytea,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    quarantine (quarantine_id) {
        quarantine_id -> Int8,
        received_at -> Timestamptz,
        connector_id -> Text,
        kind -> Text,
        correlation_id -> Text,
        item_index -> Int4,
        reason -> Text,
        body -> Bytea,
        tried_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        done_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    audit (audit_id) {
        audit_id -> Int8,
        at -> Timestamptz,
        actor -> Text,
        action -> Text,
        subject -> Text,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        group_id -> Nullable<Int8>,
        undoes -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    guild_sightings (observer, guild_id) {
        observer -> Text,
        guild_id -> Int8,
        seen_at -> Timestamptz,
        gone_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    channel_sightings (observer, channel_id) {
        observer -> Text,
        channel_id -> Int8,
        guild_id -> Int8,
        seen_at -> Timestamptz,
        gone_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    guild_roles (role_id) {
        role_id -> Int8,
        guild_id -> Int8,
        name -> Text,
        position -> Int4,
        color -> Int4,
        is_managed -> Bool,
        is_mentionable -> Bool,
        seen_at -> Timestamptz,
        gone_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    figures (series, slot_at) {
        slot_at -> Timestamptz,
        series -> Text,
        count -> Int8,
        p50_ms -> Nullable<Float4>,
        p95_ms -> Nullable<Float4>,
        p99_ms -> Nullable<Float4>,
    }
}

diesel::joinable!(channel_roles -> connectors (connector_id));
diesel::allow_tables_to_appear_in_same_query!(
    connectors,
    guilds,
    channels,
    threads,
    thread_members,
    channel_roles,
    mappings,
    rule_sets,
    session_tokens,
    channel_heads,
    signals,
    revisions,
    deliveries,
    mirrored_parts,
    target_channels,
    mirrored_threads,
    reconciliations,
    raw_batches,
    quarantine,
    audit,
    guild_sightings,
    channel_sightings,
    guild_roles,
    figures
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{sql::Sql, test_database::TestDatabase};
    use diesel::{RunQueryDsl, sql_types::Text};

    /// The tables as this file declares them, one `table.column type` a line.
    fn declared() -> Vec<String> {
        let (mut table, mut columns) = (String::new(), Vec::new());
        let source = include_str!("tables.rs")
            .split("#[cfg(test)]")
            .next()
            .unwrap();
        for line in source.lines().map(str::trim) {
            if let Some((column, sql_type)) = line
                .strip_suffix(',')
                .and_then(|line| line.split_once(" -> "))
            {
                columns.push(format!("{table}.{column} {sql_type}"));
            } else if let Some((name, _)) = line
                .strip_suffix(") {")
                .and_then(|line| line.split_once(" ("))
            {
                name.clone_into(&mut table);
            }
        }
        columns
    }

    #[test]
    fn the_tables_are_what_the_migrations_make() {
        let made: Vec<String> = Sql::new(
            "select format(case when attnotnull then '%s.%s %s' else '%s.%s Nullable<%s>' end, relname, attname, \
             case atttypid::regtype::text when 'text' then 'Text' when 'bytea' then 'Bytea' when 'boolean' then 'Bool' \
             when 'bigint' then 'Int8' when 'integer' then 'Int4' when 'smallint' then 'Int2' when 'jsonb' then 'Jsonb' \
             when '\"char\"' then 'CChar' when 'real' then 'Float4' \
             when 'timestamp with time zone' then 'Timestamptz' else atttypid::regtype::text end) \
             from pg_attribute join pg_class on attrelid = pg_class.oid \
             where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition \
             and attnum > 0 and not attisdropped and relname <> '__diesel_schema_migrations'",
        )
        .rows::<Text>()
        .load(&mut TestDatabase::new().connect())
        .unwrap();
        let declared = declared();
        let missing: Vec<_> = made
            .iter()
            .filter(|column| !declared.contains(column))
            .collect();
        let unknown: Vec<_> = declared
            .iter()
            .filter(|column| !made.contains(column))
            .collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "not declared: {missing:?}, not in the tables: {unknown:?}"
        );
        assert!(declared.len() > 100, "{declared:?}");
    }
}
