-- Deliveries that say the same to several, or go elsewhere when they are refused.

ALTER TABLE deliveries
    ADD topic text,                                  -- what they say; while nobody has heard it none is given up
    ADD else_to bigint[] NOT NULL DEFAULT '{}';      -- people who are told instead
CREATE INDEX deliveries_topic ON deliveries (topic) WHERE topic IS NOT NULL;
