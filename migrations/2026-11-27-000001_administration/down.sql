DROP TABLE figures;
DROP INDEX quarantine_open;
ALTER TABLE quarantine DROP COLUMN tried_at, DROP COLUMN outcome, DROP COLUMN done_at;
DROP INDEX audit_by_group;
DROP INDEX audit_by_subject;
ALTER TABLE audit DROP COLUMN group_id, DROP COLUMN undoes;
DROP VIEW enabled_targets;
DROP INDEX target_channels_offered;
ALTER TABLE target_channels DROP COLUMN is_target;
DROP TABLE guild_roles;
DROP VIEW channels_seen;
DROP TABLE channel_sightings;
DROP TABLE guild_sightings;
ALTER TABLE connectors
    DROP COLUMN previous_token_hash, DROP COLUMN previous_token_until, DROP COLUMN discovery_picked_up_at,
    DROP COLUMN discovery_answered_at, DROP COLUMN discovery_guilds, DROP COLUMN discovery_channels;
