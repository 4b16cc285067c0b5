DROP TABLE reconciliations, mirrored_threads, target_channels;
ALTER TABLE mirrored_parts DROP COLUMN webhook_id, DROP COLUMN mirrored_thread_id;
UPDATE deliveries SET state = 'x' WHERE state = 'c';
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_state_check,
    ADD CONSTRAINT deliveries_state_check CHECK (state IN ('p', 'd', 'x')),
    DROP COLUMN repairs, DROP COLUMN wanted_at, DROP COLUMN rule_set_id;
ALTER TABLE mappings DROP COLUMN rule_set_id;
DROP TABLE rule_sets;
