-- Costs, claims, guild settings, plugins, deliveries.

CREATE TABLE cost_entries (
    id            bigint PRIMARY KEY,  -- made from time, like a snowflake
    provider      text NOT NULL,
    model         text NOT NULL,
    purpose       text NOT NULL,
    plugin        text,
    guild_id      bigint,
    channel_id    bigint,
    person_id     bigint,
    message_id    bigint,
    input_tokens  integer NOT NULL,
    output_tokens integer NOT NULL,
    cached_tokens integer NOT NULL DEFAULT 0,
    cost_usd      numeric NOT NULL,
    price_source  text NOT NULL,
    estimated     boolean NOT NULL DEFAULT false,
    outcome       text NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE cost_entries_default PARTITION OF cost_entries DEFAULT;
CREATE INDEX cost_entries_person ON cost_entries (person_id, id DESC);
CREATE INDEX cost_entries_message ON cost_entries (message_id);

-- Running totals: a month's sum per scope, so that a question never reads entries.
CREATE TABLE cost_totals (
    month         date NOT NULL,
    scope         text NOT NULL,   -- all | guild | person | purpose | model | plugin
    key           text NOT NULL,   -- the scope's id or name; '' for all
    guild_id      bigint NOT NULL DEFAULT 0,
    calls         bigint NOT NULL DEFAULT 0,
    input_tokens  bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_usd      numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (month, scope, guild_id, key)
);

CREATE TABLE claims (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id    bigint NOT NULL UNIQUE,
    guild_id      bigint NOT NULL,
    channel_id    bigint NOT NULL,
    author_id     bigint NOT NULL,
    author_name   text NOT NULL,
    text          text NOT NULL,
    kind          text NOT NULL,
    confidence    text NOT NULL,
    context       text NOT NULL DEFAULT '',
    said_at       timestamptz NOT NULL,
    original_text text,
    edits         jsonb NOT NULL DEFAULT '[]',
    deleted_at    timestamptz,
    ruling        text NOT NULL DEFAULT 'unverified',
    ruled_by      bigint,
    ruled_at      timestamptz,
    ruling_notes  text NOT NULL DEFAULT ''
);
CREATE INDEX claims_guild ON claims (guild_id, id DESC);
CREATE INDEX claims_author ON claims (author_id, id DESC);

-- One row per message that was put to the model; a message is never paid for twice.
CREATE TABLE claim_checks (
    message_id    bigint PRIMARY KEY,
    guild_id      bigint NOT NULL,
    author_id     bigint NOT NULL,
    text_hash     bytea NOT NULL,
    checked_at    timestamptz NOT NULL,
    outcome       text NOT NULL
);
CREATE INDEX claim_checks_hash ON claim_checks (guild_id, text_hash, checked_at);
CREATE INDEX claim_checks_author ON claim_checks (author_id);

CREATE TABLE guild_settings (
    guild_id      bigint NOT NULL,
    key           text NOT NULL,
    value         jsonb NOT NULL,
    changed_by    bigint,
    changed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (guild_id, key)
);

CREATE TABLE guild_admins (
    guild_id      bigint NOT NULL,
    person_id     bigint NOT NULL,
    added_by      bigint,
    added_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (guild_id, person_id)
);
CREATE INDEX guild_admins_person ON guild_admins (person_id);

CREATE TABLE holders (
    owner         text NOT NULL,
    table_name    text NOT NULL,
    person_column text NOT NULL,
    holds         text NOT NULL,
    text_columns  text[] NOT NULL DEFAULT '{}',
    export        boolean NOT NULL,
    on_opt_out    text NOT NULL,
    on_erase      text NOT NULL,
    PRIMARY KEY (owner, table_name, person_column)
);

CREATE TABLE plugin_states (
    id            text PRIMARY KEY,
    version       text NOT NULL,
    enabled       boolean NOT NULL,
    granted       text[] NOT NULL DEFAULT '{}',
    reason        text NOT NULL DEFAULT '',
    changed_by    bigint,
    changed_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE deliveries (
    key           text PRIMARY KEY,
    channel_id    bigint,
    person_id     bigint,
    text          text NOT NULL,
    state         text NOT NULL DEFAULT 'pending',  -- pending | doubtful | sent | failed
    attempts      integer NOT NULL DEFAULT 0,
    message_id    bigint,
    error         text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    settled_at    timestamptz
);
CREATE INDEX deliveries_open ON deliveries (created_at) WHERE state IN ('pending', 'doubtful');
CREATE INDEX deliveries_person ON deliveries (person_id) WHERE person_id IS NOT NULL;
