-- Breakers that are open or waiting for their probe, shared by every process. Closed ones have no row.
CREATE TABLE breakers (
    provider      text NOT NULL,
    model         text NOT NULL,
    open_until    timestamptz NOT NULL,
    probed_until  timestamptz NOT NULL DEFAULT '-infinity',  -- a process holds the probe until then
    PRIMARY KEY (provider, model)
);
