-- What was said before a claim is read from the messages, so that it changes and goes with them, and quotes are
-- searched as claims are.
ALTER TABLE claims ADD context_ids bigint[] NOT NULL DEFAULT '{}', DROP context;

ALTER TABLE quotes ADD words tsvector NOT NULL
    GENERATED ALWAYS AS (to_tsvector('simple', text) || to_tsvector('english', text)) STORED;
CREATE INDEX quotes_words ON quotes USING gin (words);
