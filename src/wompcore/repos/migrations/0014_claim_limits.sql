-- How often the model may be asked about claims, for all processes together.

-- The newest message of a person that was put to the model; its id carries the time.
CREATE TABLE claim_cooldowns (
    person_id     bigint PRIMARY KEY,
    message_id    bigint NOT NULL
);
CREATE INDEX claim_cooldowns_message ON claim_cooldowns (message_id);

-- Checks per guild and UTC day of the messages; those of messages that did not fire count in both columns.
CREATE TABLE claim_days (
    guild_id      bigint NOT NULL,
    day           date NOT NULL,
    checks        integer NOT NULL,
    explored      integer NOT NULL,
    PRIMARY KEY (guild_id, day)
);

ALTER TABLE claim_checks ADD COLUMN explored boolean NOT NULL DEFAULT false;

-- What a claim says about its own time: its words, and the last day on which it can still come true.
ALTER TABLE claims ADD COLUMN horizon text NOT NULL DEFAULT '', ADD COLUMN due_on date;
CREATE INDEX claims_due ON claims (guild_id, due_on)
    WHERE due_on IS NOT NULL AND deleted_at IS NULL AND ruling = 'unverified';
