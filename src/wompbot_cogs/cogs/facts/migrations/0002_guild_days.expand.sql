-- How many checks a server had on a UTC day; those in progress count, those that failed do not.
CREATE TABLE guild_days (
    guild_id    bigint,
    day         date,
    checks      integer NOT NULL,
    PRIMARY KEY (guild_id, day)
);
