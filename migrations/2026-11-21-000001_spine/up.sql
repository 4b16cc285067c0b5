-- The whole of ingest, routing, sessions and mirroring. Ids of Discord are bigint snowflakes. Bodies of connectors are bytea:
-- they are kept exactly as they came, whatever bytes they hold.

CREATE TABLE connectors (
    connector_id              text PRIMARY KEY,
    tenant_key                text NOT NULL,
    name                      text NOT NULL,
    token_hash                bytea NOT NULL UNIQUE,
    is_paused                 boolean NOT NULL DEFAULT false,
    ingest_enabled            boolean NOT NULL DEFAULT true,
    forward_enabled           boolean NOT NULL DEFAULT false,
    -- What the connector compares; moves with every change it must see, never with a discovery request.
    config_version            bigint NOT NULL DEFAULT 1,
    discovery_request_version bigint NOT NULL DEFAULT 0,
    discovery_guild_id        bigint,
    discovery_requested_at    timestamptz,
    -- Optimistic lock of the administration.
    version                   bigint NOT NULL DEFAULT 1,
    last_seen_at              timestamptz,
    created_at                timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE guilds (
    guild_id bigint PRIMARY KEY,
    name     text NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE channels (
    channel_id bigint PRIMARY KEY,
    guild_id   bigint NOT NULL,
    parent_id  bigint,
    name       text NOT NULL,
    kind       smallint,
    position   integer,
    -- Lowest tier that sees the channel live; null hides it.
    min_tier   smallint CHECK (min_tier BETWEEN 0 AND 100),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX channels_by_guild ON channels (guild_id, channel_id);

CREATE TABLE threads (
    thread_id             bigint PRIMARY KEY,
    parent_channel_id     bigint NOT NULL,
    guild_id              bigint NOT NULL,
    name                  text NOT NULL,
    archived              boolean NOT NULL DEFAULT false,
    locked                boolean NOT NULL DEFAULT false,
    auto_archive_duration integer,
    archive_timestamp     timestamptz,
    message_count         integer,
    member_count          integer,
    rate_limit_per_user   integer,
    owner_id              bigint,
    owner_username        text,
    owner_global_name     text,
    last_message_id       bigint,
    last_message_at       timestamptz,
    created_timestamp     timestamptz,
    deleted_at            timestamptz,
    updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX threads_by_parent ON threads (parent_channel_id, thread_id);

CREATE TABLE thread_members (
    thread_id bigint NOT NULL,
    user_id   bigint NOT NULL,
    PRIMARY KEY (thread_id, user_id)
);

-- What a channel is to a connector. Two connectors may capture the same channel: their events join.
CREATE TABLE channel_roles (
    connector_id text NOT NULL REFERENCES connectors ON DELETE CASCADE,
    channel_id   bigint NOT NULL,
    guild_id     bigint NOT NULL,
    is_source    boolean NOT NULL,
    is_target    boolean NOT NULL,
    is_enabled   boolean NOT NULL,
    thread_mode  text NOT NULL CHECK (thread_mode IN ('include', 'exclude', 'only')),
    version      bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (connector_id, channel_id)
);
CREATE INDEX channel_roles_by_channel ON channel_roles (channel_id);

CREATE TABLE mappings (
    mapping_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_channel_id bigint NOT NULL,
    target_channel_id bigint NOT NULL,
    tier              smallint NOT NULL DEFAULT 0,
    ping_role_id      bigint,
    priority          integer NOT NULL DEFAULT 0,
    is_enabled        boolean NOT NULL DEFAULT true,
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source_channel_id, target_channel_id),
    CHECK (source_channel_id <> target_channel_id)
);
CREATE INDEX mappings_by_target ON mappings (target_channel_id);

CREATE TABLE session_tokens (
    session_token_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text NOT NULL,
    token_hash       bytea NOT NULL UNIQUE,
    tier             smallint NOT NULL,
    expires_at       timestamptz,
    revoked_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now()
);

-- One row per source channel: its incarnation, its last sequence number, the newest signal of which anything is stored and
-- the newest that was created. The writer's transaction moves it from the value it knew; a mismatch means that somebody else
-- wrote, and aborts.
CREATE TABLE channel_heads (
    channel_id        bigint PRIMARY KEY,
    epoch             integer NOT NULL DEFAULT 1,
    seq               bigint NOT NULL DEFAULT 0,
    newest_known_id   bigint NOT NULL DEFAULT 0,
    newest_created_id bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- The join of everything said of a signal, visible or only held. `state` is the JSON of SignalState.
CREATE TABLE signals (
    signal_id  bigint PRIMARY KEY,
    channel_id bigint NOT NULL,
    is_visible boolean NOT NULL,
    revision   integer NOT NULL,
    state      text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 90);
CREATE INDEX signals_by_channel ON signals (channel_id, signal_id DESC) WHERE is_visible;

-- Every accepted change in its place: what a cursor replays. `frame` is the JSON a session receives.
CREATE TABLE revisions (
    channel_id   bigint NOT NULL,
    epoch        integer NOT NULL,
    seq          bigint NOT NULL,
    signal_id    bigint NOT NULL,
    revision     integer NOT NULL,
    kind         "char" NOT NULL CHECK (kind IN ('c', 'u', 'd')),
    committed_at timestamptz NOT NULL DEFAULT now(),
    frame        text NOT NULL,
    PRIMARY KEY (channel_id, epoch, seq)
);
CREATE UNIQUE INDEX revisions_by_signal ON revisions (signal_id, revision);
CREATE INDEX revisions_by_age ON revisions USING brin (committed_at);

-- Desired state of one signal in one target channel. `ordinal` is the order of commit: creates go out in it.
CREATE TABLE deliveries (
    signal_id          bigint NOT NULL,
    target_channel_id  bigint NOT NULL,
    source_channel_id  bigint NOT NULL,
    mapping_id         bigint NOT NULL,
    ping_role_id       bigint,
    ordinal            bigint GENERATED ALWAYS AS IDENTITY,
    desired_revision   integer NOT NULL,
    delivered_revision integer NOT NULL DEFAULT 0,
    -- p: work to do; d: delivered; x: dead letter
    state              "char" NOT NULL DEFAULT 'p' CHECK (state IN ('p', 'd', 'x')),
    attempts           integer NOT NULL DEFAULT 0,
    next_attempt_at    timestamptz,
    last_error         text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    delivered_at       timestamptz,
    PRIMARY KEY (signal_id, target_channel_id)
) WITH (fillfactor = 80);
CREATE INDEX deliveries_pending ON deliveries (target_channel_id, ordinal) WHERE state = 'p';
CREATE INDEX deliveries_dead ON deliveries (target_channel_id, ordinal) WHERE state = 'x';
CREATE INDEX deliveries_by_target ON deliveries (target_channel_id, ordinal);

-- The messages that stand in Discord for a delivery, part by part.
CREATE TABLE mirrored_parts (
    signal_id         bigint NOT NULL,
    target_channel_id bigint NOT NULL,
    part              smallint NOT NULL,
    message_id        bigint NOT NULL,
    digest            bytea NOT NULL,
    posted_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (signal_id, target_channel_id, part),
    FOREIGN KEY (signal_id, target_channel_id) REFERENCES deliveries ON DELETE CASCADE
);
CREATE UNIQUE INDEX mirrored_parts_by_message ON mirrored_parts (target_channel_id, message_id);

-- Bodies as connectors sent them, for replay and for argument. One partition a day, dropped by the retention actor.
CREATE TABLE raw_batches (
    received_at    timestamptz NOT NULL,
    connector_id   text NOT NULL,
    kind           text NOT NULL,
    correlation_id text NOT NULL,
    body           bytea NOT NULL
) PARTITION BY RANGE (received_at);
CREATE TABLE raw_batches_default PARTITION OF raw_batches DEFAULT;
CREATE INDEX raw_batches_by_time ON raw_batches (received_at, connector_id);

-- Items that could not be taken, with the reason, kept until somebody looks or the retention ends.
CREATE TABLE quarantine (
    quarantine_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at    timestamptz NOT NULL DEFAULT now(),
    connector_id   text NOT NULL,
    kind           text NOT NULL,
    correlation_id text NOT NULL,
    item_index     integer NOT NULL,
    reason         text NOT NULL,
    body           bytea NOT NULL
);
CREATE INDEX quarantine_by_time ON quarantine (received_at);

CREATE TABLE audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL,
    before   jsonb,
    after    jsonb
);

-- The fast column compression where this PostgreSQL has it; without it the default one serves.
DO $$
BEGIN
    ALTER TABLE raw_batches ALTER COLUMN body SET COMPRESSION lz4;
    ALTER TABLE raw_batches_default ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$;
