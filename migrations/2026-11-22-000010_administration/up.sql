-- Deliveries that a person dropped, to be found and restored.
CREATE INDEX deliveries_dropped ON deliveries (target_channel_id, ordinal) WHERE state = 'c';
