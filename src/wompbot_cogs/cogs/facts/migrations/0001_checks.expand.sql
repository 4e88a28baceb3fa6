-- What a fact check found; shown again for a day, then removed.
CREATE TABLE checks (
    message_id  bigint PRIMARY KEY,
    author_id   bigint NOT NULL,
    claim       text NOT NULL,      -- the whole message, so that an edit is noticed
    verdict     text NOT NULL,
    analysis    text NOT NULL,
    sources     jsonb NOT NULL,
    checked_at  timestamptz NOT NULL
);
CREATE INDEX checks_author ON checks (author_id);
CREATE INDEX checks_checked ON checks (checked_at);

-- How often somebody asked. One row per person, so that two requests at once are counted one after the other.
CREATE TABLE requesters (
    person_id   bigint PRIMARY KEY,
    began_at    timestamptz,        -- a check for this person is in progress
    used_at     timestamptz[] NOT NULL DEFAULT '{}'
);
