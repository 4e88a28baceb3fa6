-- What the model said about a message, kept to learn from: numbers that stand for words, never text.
-- share: how likely a message that did not fire was to be checked at that moment; 0: not at all.
CREATE TABLE claim_lessons (
    message_id    bigint PRIMARY KEY,
    guild_id      bigint NOT NULL,
    author_id     bigint NOT NULL,
    features      bigint[] NOT NULL,
    score         double precision NOT NULL,
    fired         boolean NOT NULL,
    share         double precision NOT NULL,
    is_claim      boolean NOT NULL
);
CREATE INDEX claim_lessons_guild ON claim_lessons (guild_id, message_id);
CREATE INDEX claim_lessons_author ON claim_lessons (author_id);

-- Whether messages that did not fire could be checked when this check began.
ALTER TABLE claim_checks ADD COLUMN explorable boolean NOT NULL DEFAULT false;

-- What a guild learned, and of which state of its lessons.
CREATE TABLE claim_learning (
    guild_id      bigint PRIMARY KEY,
    revision      bigint NOT NULL,
    learned       bigint NOT NULL DEFAULT 0,
    weights       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX claim_learning_stale ON claim_learning (guild_id) WHERE revision > learned;

-- Nothing that was learned outlives a lesson it was learned from, whoever removes it and why.
CREATE FUNCTION claim_lessons_are_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM claim_learning WHERE guild_id IN (SELECT guild_id FROM gone) ORDER BY guild_id FOR UPDATE;
    UPDATE claim_learning SET revision = revision + 1, weights = '{}'
    WHERE guild_id IN (SELECT guild_id FROM gone);
    PERFORM pg_notify('claims_learned', guild_id::text) FROM (SELECT DISTINCT guild_id FROM gone) g;
    RETURN NULL;
END
$$;
CREATE TRIGGER claim_lessons_gone AFTER DELETE ON claim_lessons
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION claim_lessons_are_gone();
