-- People, consent, messages. Times are timestamptz; Discord ids are bigint; money is numeric.

CREATE SEQUENCE instance_numbers;

CREATE TABLE people (
    id            bigint PRIMARY KEY,
    name          text NOT NULL DEFAULT '',
    is_bot        boolean NOT NULL DEFAULT false,
    -- Derived from consents and changed in the same transaction. Writers of personal data lock this
    -- row first, so a withdrawal and a batch of messages are always ordered.
    opted_out     boolean NOT NULL DEFAULT false
);
CREATE INDEX people_opted_out ON people (id) WHERE opted_out;

CREATE TABLE person_guilds (
    guild_id      bigint NOT NULL,  -- 0: direct messages
    person_id     bigint NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    messages      bigint NOT NULL DEFAULT 0,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (guild_id, person_id)
);
CREATE INDEX person_guilds_person ON person_guilds (person_id);

CREATE SEQUENCE consent_revisions;
CREATE TABLE consents (
    person_id     bigint NOT NULL,
    purpose       text NOT NULL,
    withdrawn     boolean NOT NULL,
    revision      bigint NOT NULL,  -- drawn under the person's row lock, so it orders their changes
    policy        text NOT NULL,
    method        text NOT NULL,
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (person_id, purpose)
);
CREATE INDEX consents_withdrawn ON consents (purpose, person_id) WHERE withdrawn;

CREATE TABLE audit_log (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL,
    action        text NOT NULL,
    person_id     bigint,
    by_id         bigint,
    guild_id      bigint,
    details       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_person ON audit_log (person_id, at DESC);

CREATE TABLE messages (
    id            bigint PRIMARY KEY,
    channel_id    bigint NOT NULL,
    author_id     bigint NOT NULL,
    guild_id      bigint,
    reply_to_id   bigint,
    author_name   text NOT NULL,
    text          text NOT NULL,
    is_bot        boolean NOT NULL DEFAULT false,
    edited_at     timestamptz
) PARTITION BY RANGE (id);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;
CREATE INDEX messages_channel ON messages (channel_id, id DESC);
CREATE INDEX messages_author ON messages (author_id, id DESC);
CREATE INDEX messages_guild ON messages (guild_id, id DESC);

-- Rows the database refused for their data; payload is JSON in ASCII.
CREATE TABLE parked_messages (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parked_at     timestamptz NOT NULL DEFAULT now(),
    person_id     numeric(20, 0),
    reason        text NOT NULL,
    payload       text NOT NULL
);

CREATE TABLE channel_gaps (
    channel_id    bigint NOT NULL,
    after_id      bigint NOT NULL,
    before_id     bigint,
    noted_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel_id, after_id)
);

-- A chat log that was read in: its number goes into the ids, its shift into the times.
CREATE TABLE log_sources (
    id            smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint   text NOT NULL UNIQUE,
    name          text NOT NULL,
    shift_ms      bigint NOT NULL DEFAULT 0,
    first_read_at timestamptz NOT NULL DEFAULT now()
);
