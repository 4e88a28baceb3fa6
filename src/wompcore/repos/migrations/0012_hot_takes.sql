-- Hot takes: what a claim's server makes of it. Its text stays with the claim.

CREATE FUNCTION hot_take_reactions(reactions jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    SELECT coalesce(sum(value::integer), 0)::integer FROM jsonb_each_text(reactions)
);

-- From the product's specification, "Hot takes": n reactions of k kinds with the shares p_i have the
-- diversity -sum(p_i ln p_i) / ln k, which is 0 for one kind.
CREATE FUNCTION hot_take_community(reactions jsonb, replies integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    WITH kinds AS (
        SELECT value::double precision AS n FROM jsonb_each_text(reactions)
    ), counted AS (
        SELECT coalesce(sum(n), 0) AS n, count(*) AS k, coalesce(sum(n * ln(n)), 0) AS n_ln_n FROM kinds
    ), mixed AS (
        SELECT n, CASE WHEN k < 2 THEN 0 ELSE greatest(0, least(1, (ln(n) - n_ln_n / n) / ln(k))) END AS diversity
        FROM counted
    )
    SELECT least(10, 2 * ln(1 + n) * (0.5 + 0.5 * diversity) + least(3, replies / 2.0)) FROM mixed
);

CREATE TABLE hot_takes (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      bigint NOT NULL UNIQUE REFERENCES claims (message_id) ON DELETE CASCADE,
    guild_id        bigint NOT NULL,
    channel_id      bigint NOT NULL,
    author_id       bigint NOT NULL,
    made_at         timestamptz NOT NULL,
    by_hand         boolean NOT NULL,
    heat            double precision NOT NULL,          -- what the patterns say, 0 to 1
    reactions       jsonb NOT NULL DEFAULT '{}',        -- by emoji, each at least 1
    replies         integer NOT NULL DEFAULT 0,         -- within an hour
    hour_is_over    boolean NOT NULL DEFAULT false,     -- the replies were counted after it
    reaction_count  integer GENERATED ALWAYS AS (hot_take_reactions(reactions)) STORED,
    community       double precision GENERATED ALWAYS AS (hot_take_community(reactions, replies)) STORED,
    controversy     double precision,                   -- what the model says, 0 to 10; NULL: not asked yet
    asked_at        timestamptz,                        -- when the model was asked last
    outcome         text NOT NULL DEFAULT 'pending',
    ruled_by        bigint,
    ruled_at        timestamptz,
    ruling_notes    text NOT NULL DEFAULT ''
);
CREATE INDEX hot_takes_guild ON hot_takes (guild_id, made_at DESC);
CREATE INDEX hot_takes_author ON hot_takes (author_id);
CREATE INDEX hot_takes_in_their_hour ON hot_takes (message_id) WHERE NOT hour_is_over;

-- Quotes: what people want to keep of what somebody said.
CREATE TABLE quotes (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      bigint NOT NULL UNIQUE,
    guild_id        bigint NOT NULL,
    channel_id      bigint NOT NULL,
    author_id       bigint NOT NULL,
    author_name     text NOT NULL,
    text            text NOT NULL,
    saved_at        timestamptz NOT NULL
);
CREATE INDEX quotes_guild ON quotes (guild_id, id DESC);
CREATE INDEX quotes_author ON quotes (author_id);

CREATE TABLE quote_savers (
    message_id      bigint NOT NULL REFERENCES quotes (message_id) ON DELETE CASCADE,
    person_id       bigint NOT NULL,
    by_reaction     boolean NOT NULL,
    saved_at        timestamptz NOT NULL,
    PRIMARY KEY (message_id, person_id)
);
CREATE INDEX quote_savers_person ON quote_savers (person_id);
