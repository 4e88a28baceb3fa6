-- What the host of plugins decides and reports beyond whether a plugin is wanted.

ALTER TABLE plugin_states
    ADD COLUMN quarantined boolean NOT NULL DEFAULT false,
    ADD COLUMN trips integer NOT NULL DEFAULT 0,        -- times in a row that it was taken out
    ADD COLUMN retry_at timestamptz,                    -- when it is tried again; NULL: when it is released
    ADD COLUMN generation bigint NOT NULL DEFAULT 0;    -- counts the loads: every process follows each

CREATE TABLE plugin_processes (
    process    text PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at    timestamptz NOT NULL DEFAULT now(),
    runs       jsonb NOT NULL                           -- by plugin: its version, or why it does not run
);

CREATE TABLE plugin_changes (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    verb    text NOT NULL,
    plugin  text NOT NULL,
    by_id   bigint,                                     -- the owner in Discord; NULL: somebody at the machine, or the host
    via     text NOT NULL,
    outcome text NOT NULL                               -- done, or why not
);
CREATE INDEX plugin_changes_plugin_at ON plugin_changes (plugin, at);
