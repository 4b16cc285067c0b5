-- What administering live needs: tokens that overlap, what became of a discovery request, who sees which channel, roles that can
-- be pinged, targets the bot offers by itself, changes that can be undone, items that can be tried again, and figures by the minute.

ALTER TABLE connectors
    -- The token before the last rotation, valid until then.
    ADD COLUMN previous_token_hash    bytea UNIQUE,
    ADD COLUMN previous_token_until   timestamptz,
    -- Of the last discovery request: when the connector read it, when its snapshot came, and what that held.
    ADD COLUMN discovery_picked_up_at timestamptz,
    ADD COLUMN discovery_answered_at  timestamptz,
    ADD COLUMN discovery_guilds       integer,
    ADD COLUMN discovery_channels     integer;

-- Who sees which guild and channel: an observer is a connector by its id, or `@bot`, which no connector can be called. What is not
-- seen any more is marked, never deleted: settings hang on it.
CREATE TABLE guild_sightings (
    observer text NOT NULL,
    guild_id bigint NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now(),
    gone_at  timestamptz,
    PRIMARY KEY (observer, guild_id)
);
CREATE TABLE channel_sightings (
    observer   text NOT NULL,
    channel_id bigint NOT NULL,
    guild_id   bigint NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now(),
    gone_at    timestamptz,
    PRIMARY KEY (observer, channel_id)
);
CREATE INDEX channel_sightings_by_guild ON channel_sightings (observer, guild_id, channel_id);
CREATE INDEX channel_sightings_by_channel ON channel_sightings (channel_id);

-- Since when an observer sees a channel no more: the channel itself, or its whole guild. The only place that says so.
CREATE VIEW channels_seen AS
SELECT s.observer, s.channel_id, s.guild_id, s.seen_at, coalesce(s.gone_at, g.gone_at) AS gone_at
FROM channel_sightings s LEFT JOIN guild_sightings g USING (observer, guild_id);

-- What was known before there were sightings: whoever marked a channel has seen it.
INSERT INTO channels (channel_id, guild_id, name)
SELECT DISTINCT ON (channel_id) channel_id, guild_id, channel_id::text AS name FROM channel_roles ON CONFLICT DO NOTHING;
INSERT INTO channel_sightings (observer, channel_id, guild_id, seen_at)
SELECT r.connector_id, r.channel_id, c.guild_id, c.seen_at FROM channel_roles r JOIN channels c USING (channel_id);
INSERT INTO guild_sightings (observer, guild_id, seen_at)
SELECT s.observer, s.guild_id, max(s.seen_at) FROM channel_sightings s GROUP BY s.observer, s.guild_id;

-- Roles of the guilds that the bot is in.
CREATE TABLE guild_roles (
    role_id        bigint PRIMARY KEY,
    guild_id       bigint NOT NULL,
    name           text NOT NULL,
    position       integer NOT NULL,
    color          integer NOT NULL DEFAULT 0,
    is_managed     boolean NOT NULL DEFAULT false,
    is_mentionable boolean NOT NULL DEFAULT false,
    seen_at        timestamptz NOT NULL DEFAULT now(),
    gone_at        timestamptz
);
CREATE INDEX guild_roles_by_guild ON guild_roles (guild_id, position DESC);

-- Offered as a target by the bot itself, whether or not a connector sees it.
ALTER TABLE target_channels ADD COLUMN is_target boolean NOT NULL DEFAULT false;
CREATE INDEX target_channels_offered ON target_channels (target_channel_id) WHERE is_target;

-- What may be the target of a mapping now: marked for a connector, or offered by the bot. The only place that says so.
CREATE VIEW enabled_targets AS
SELECT channel_id FROM channel_roles WHERE is_target AND is_enabled
UNION
SELECT target_channel_id FROM target_channels WHERE is_target;

ALTER TABLE audit
    -- Changes that were made together carry one number, drawn from the ids of this table.
    ADD COLUMN group_id bigint,
    -- The change that this one takes back.
    ADD COLUMN undoes   bigint UNIQUE;
CREATE INDEX audit_by_subject ON audit (subject, audit_id DESC);
CREATE INDEX audit_by_group ON audit (group_id) WHERE group_id IS NOT NULL;

ALTER TABLE quarantine
    -- When it was last sent through again, and what came of that; done once it was not rejected.
    ADD COLUMN tried_at timestamptz,
    ADD COLUMN outcome  text,
    ADD COLUMN done_at  timestamptz;
CREATE INDEX quarantine_open ON quarantine (quarantine_id) WHERE done_at IS NULL;

-- Latencies and counts of one minute of one series, written when the minute is over.
CREATE TABLE figures (
    slot_at timestamptz NOT NULL,
    series  text NOT NULL,
    count   bigint NOT NULL,
    p50_ms  real,
    p95_ms  real,
    p99_ms  real,
    PRIMARY KEY (series, slot_at)
);
