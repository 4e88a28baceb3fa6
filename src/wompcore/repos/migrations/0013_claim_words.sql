-- Claims are searched by their words: as they stand, and as English reduces them to stems.
ALTER TABLE claims ADD words tsvector NOT NULL
    GENERATED ALWAYS AS (to_tsvector('simple', text) || to_tsvector('english', text)) STORED;
CREATE INDEX claims_words ON claims USING gin (words);

-- Deleted claims whose text is still kept.
CREATE INDEX claims_deleted ON claims (deleted_at) WHERE text <> '';

-- Two claims of a person that do not go together, as a model sees it. The author stands here as well, so
-- that the row is found without its claims.
CREATE TABLE claim_contradictions (
    claim_id      bigint NOT NULL REFERENCES claims (id) ON DELETE CASCADE,
    older_id      bigint NOT NULL REFERENCES claims (id) ON DELETE CASCADE,
    guild_id      bigint NOT NULL,
    author_id     bigint NOT NULL,
    explanation   text NOT NULL,
    found_at      timestamptz NOT NULL,
    PRIMARY KEY (claim_id)  -- a claim is checked once
);
CREATE INDEX claim_contradictions_older ON claim_contradictions (older_id);
CREATE INDEX claim_contradictions_author ON claim_contradictions (author_id, guild_id, claim_id DESC);
CREATE INDEX claim_contradictions_guild ON claim_contradictions (guild_id, claim_id DESC);

-- Who wants to be told of contradictions of their own, and where. All rows of a person carry the same told_at.
CREATE TABLE contradiction_listeners (
    person_id     bigint NOT NULL,
    guild_id      bigint NOT NULL,
    since         timestamptz NOT NULL,
    told_at       timestamptz,
    PRIMARY KEY (person_id, guild_id)
);
