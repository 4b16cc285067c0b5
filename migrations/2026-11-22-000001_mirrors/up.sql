-- What mirrors need beyond the spine: rules of mappings, the administration of target channels, threads, and repairs.

-- What a mapping makes of signals. A set is never changed once it is written and is shared by all mappings that say the same,
-- so that a delivery is finished by the rules it began with, whatever becomes of its mapping.
CREATE TABLE rule_sets (
    rule_set_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea NOT NULL UNIQUE,
    rules       text NOT NULL
);

-- No rule set: everything passes unchanged.
ALTER TABLE mappings ADD COLUMN rule_set_id bigint REFERENCES rule_sets;

ALTER TABLE deliveries
    ADD COLUMN rule_set_id bigint,
    -- Since when there is work to do: nothing of it can have been sent before.
    ADD COLUMN wanted_at timestamptz NOT NULL DEFAULT now(),
    -- How often it was put right after the fact; tells a message that is posted again from its predecessor.
    ADD COLUMN repairs integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT deliveries_state_check,
    -- p: work to do; d: delivered; x: dead letter; c: dropped by a person, never to be tried again
    ADD CONSTRAINT deliveries_state_check CHECK (state IN ('p', 'd', 'x', 'c'));

-- Where a part stands when that is not the target channel itself but a thread in it, and the webhook that posted it.
ALTER TABLE mirrored_parts
    ADD COLUMN mirrored_thread_id bigint,
    ADD COLUMN webhook_id bigint;

-- A target channel as the administration and Discord see it. One that is not here is not paused and was never looked at.
CREATE TABLE target_channels (
    target_channel_id bigint PRIMARY KEY,
    is_paused         boolean NOT NULL DEFAULT false,
    -- As Discord said when it was last looked at.
    guild_id          bigint,
    kind              smallint,
    inspected_at      timestamptz,
    -- What a person must change before the bot can mirror there; null when nothing stands in the way.
    obstacle          text,
    -- Optimistic lock of the administration.
    version           bigint NOT NULL DEFAULT 1
);

-- The threads in target channels that mirror threads of source channels.
CREATE TABLE mirrored_threads (
    target_channel_id bigint NOT NULL,
    thread_id         bigint NOT NULL,
    mirrored_thread_id       bigint NOT NULL,
    is_archived       boolean NOT NULL DEFAULT false,
    -- As its source thread is.
    wants_archived    boolean NOT NULL DEFAULT false,
    opened_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (target_channel_id, thread_id)
);
CREATE INDEX mirrored_threads_by_thread ON mirrored_threads (thread_id);
CREATE INDEX mirrored_threads_to_change ON mirrored_threads (target_channel_id) WHERE is_archived <> wants_archived;

-- Comparisons of what stands in Discord with what should.
CREATE TABLE reconciliations (
    reconciliation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target_channel_id bigint NOT NULL,
    asked_at          timestamptz NOT NULL DEFAULT now(),
    asked_by          text NOT NULL,
    finished_at       timestamptz,
    -- How many messages were looked at, and what was found and done; for people.
    report            jsonb
);
CREATE INDEX reconciliations_by_target ON reconciliations (target_channel_id, reconciliation_id DESC);
CREATE INDEX reconciliations_unfinished ON reconciliations (target_channel_id) WHERE finished_at IS NULL;
