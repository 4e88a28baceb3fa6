-- The ledger: reservations, budgets, and the functions that reserve, settle and sweep in one round trip.
-- docs/decisions/0005-the-ledger-locks-meters.md says why it is built this way.

ALTER TABLE cost_entries
    ADD cache_write_tokens integer NOT NULL DEFAULT 0,
    ADD reasoning_tokens   integer NOT NULL DEFAULT 0,
    ADD images             integer NOT NULL DEFAULT 0,
    ADD audio_tokens       integer NOT NULL DEFAULT 0,
    ADD price              text,      -- what each class of token cost, as JSON
    ADD estimate_usd       numeric,   -- by that price, where the provider reported the cost itself
    ADD reserved_usd       numeric,   -- the most it was expected to cost
    ADD above_reserved     boolean NOT NULL DEFAULT false,
    ADD swept              boolean NOT NULL DEFAULT false;  -- its process ended without settling it

-- A call that may be in progress: the entry it becomes when nobody settles it, at its worst case.
CREATE TABLE cost_reservations (
    LIKE cost_entries INCLUDING DEFAULTS,
    expected_usd    numeric NOT NULL,
    expected_tokens bigint NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX cost_reservations_expiry ON cost_reservations (expires_at);
CREATE INDEX cost_reservations_person ON cost_reservations (person_id);

CREATE TABLE budgets (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope             text NOT NULL
        CHECK (scope IN ('all', 'guild', 'channel', 'person', 'plugin', 'purpose', 'model')),
    key               text NOT NULL,   -- '' for all; '*' for each one on its own
    period            text NOT NULL CHECK (period IN ('hour', 'day', 'month', 'total')),
    zone              text NOT NULL,   -- where days and months begin
    unit              text NOT NULL CHECK (unit IN ('usd', 'tokens')),
    action            text NOT NULL CHECK (action IN ('refuse', 'fall_back', 'warn')),
    amount            numeric CHECK (amount >= 0),             -- none: only watched
    background_amount numeric CHECK (background_amount >= 0),  -- for calls nobody waits for
    alert_percents    integer[] NOT NULL,
    alert_step        numeric CHECK (alert_step > 0),
    set_at            timestamptz NOT NULL,
    CHECK ((scope = 'all') = (key = '')),
    CHECK (amount IS NOT NULL OR (action = 'warn' AND background_amount IS NULL)),
    UNIQUE (scope, key, period, unit, action)
);

-- What was spent and what is held by calls in progress, per budget and window. A rolling hour is made of
-- minutes; its row at -infinity is only its lock.
CREATE TABLE budget_meters (
    budget_id     bigint NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
    key           text NOT NULL,
    starts_at     timestamptz NOT NULL,
    spent         numeric NOT NULL DEFAULT 0,
    held          numeric NOT NULL DEFAULT 0,
    rolled_up     numeric NOT NULL DEFAULT 0,  -- the part of spent whose entries were dropped
    barred        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (budget_id, key, starts_at)
) WITH (fillfactor = 50);

CREATE TABLE budget_crossings (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    budget_id     bigint NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
    key           text NOT NULL,
    starts_at     timestamptz NOT NULL,
    percent       integer NOT NULL,  -- 0: a step
    threshold     numeric NOT NULL,
    spent         numeric NOT NULL,
    crossed_at    timestamptz NOT NULL,
    delivered_at  timestamptz,
    UNIQUE (budget_id, key, starts_at, percent, threshold)
);
CREATE INDEX budget_crossings_open ON budget_crossings (id) WHERE delivered_at IS NULL;

-- Months whose entries were dropped; their totals are what is left of them.
CREATE TABLE cost_months_rolled_up (
    month         date PRIMARY KEY,
    rolled_up_at  timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION entry_time(id bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz '2015-01-01 00:00:00+00' + (id >> 22) * interval '1 millisecond'
$$;

-- Where a moment is counted: a window's first instant, or a minute of a rolling hour.
CREATE FUNCTION budget_bucket(period text, zone text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE period
        WHEN 'hour' THEN date_trunc('minute', at)
        WHEN 'total' THEN '-infinity'
        ELSE date_trunc(period, at, zone)
    END
$$;

-- The oldest bucket that counts at a moment.
CREATE FUNCTION budget_since(period text, zone text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT budget_bucket(period, zone, CASE period WHEN 'hour' THEN at - interval '1 hour' ELSE at END)
$$;

-- The budgets that a call is checked against.
CREATE FUNCTION budgets_of(
    at timestamptz, guild_id bigint, channel_id bigint, person_id bigint, plugin text, purpose text, model text
) RETURNS TABLE (budget_id bigint, key text, starts_at timestamptz, period text, unit text, action text)
LANGUAGE sql STABLE AS $$
    SELECT b.id, part.key, b.starts_at, b.period, b.unit, b.action
    FROM (VALUES
        ('all', ''), ('guild', guild_id::text), ('channel', channel_id::text), ('person', person_id::text),
        ('plugin', plugin), ('purpose', purpose), ('model', model)
    ) AS part (scope, key) CROSS JOIN LATERAL (
        SELECT b.id, budget_bucket(b.period, b.zone, at) AS starts_at, b.period, b.unit, b.action
        FROM budgets AS b
        WHERE b.scope = part.scope AND b.key IN (part.key, '*') AND (b.period <> 'total' OR at >= b.set_at)
        OFFSET 0  -- looked up one by one in the index, also by a plan that was made when there were few
    ) AS b
    WHERE part.key IS NOT NULL
$$;

CREATE TYPE budget_need AS (
    "group" integer, background boolean, at timestamptz, budget_id bigint, key text, starts_at timestamptz,
    period text, amount numeric
);

-- Take budget for calls, or give it back. Locks meters in one order, like every other writer.
CREATE FUNCTION budget_hold(needs budget_need[], sign integer) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO budget_meters AS m (budget_id, key, starts_at, held)
    SELECT budget_id, key, bucket, sum(held) FROM (
        SELECT budget_id, key, starts_at AS bucket, sign * amount AS held FROM unnest(needs)
        UNION ALL
        SELECT budget_id, key, '-infinity', 0 FROM unnest(needs) WHERE period = 'hour'
    ) AS part
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (budget_id, key, starts_at) DO UPDATE SET held = m.held + excluded.held;
END
$$;

-- The limits that are passed once the needs are held.
CREATE FUNCTION budget_over(needs budget_need[]) RETURNS TABLE (
    "group" integer, budget_id bigint, scope text, key text, period text, unit text, action text,
    "limit" numeric, spent numeric, needed numeric, barred boolean, resets_at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT n."group", b.id, b.scope, n.key, b.period, b.unit, b.action, n."limit", used.amount - n.needed,
        n.needed, used.barred,
        CASE b.period
            WHEN 'hour' THEN (
                SELECT min(freed.starts_at) + interval '61 minutes' FROM (
                    SELECT m.starts_at, used.amount - sum(m.spent + m.held) OVER (ORDER BY m.starts_at) AS rest,
                        bool_or(m.barred) OVER (ORDER BY m.starts_at DESC ROWS BETWEEN UNBOUNDED PRECEDING
                            AND 1 PRECEDING) AS barred
                    FROM budget_meters AS m
                    WHERE m.budget_id = b.id AND m.key = n.key AND m.starts_at >= n.since
                ) AS freed
                WHERE freed.rest + (CASE freed.rest WHEN 0 THEN n.needed ELSE 0 END) <= n."limit"
                    AND freed.barred IS NOT TRUE
            )
            WHEN 'total' THEN NULL
            ELSE (date_trunc(b.period, n.at AT TIME ZONE b.zone) + ('1 ' || b.period)::interval) AT TIME ZONE b.zone
        END
    FROM (
        SELECT need."group", need.budget_id, need.key, min(need.at) AS at, sum(need.amount) AS needed,
            min(budget_since(b.period, b.zone, need.at)) AS since,
            min(CASE WHEN need.background THEN coalesce(b.background_amount, b.amount) ELSE b.amount END) AS "limit"
        FROM unnest(needs) AS need JOIN budgets AS b ON b.id = need.budget_id
        GROUP BY 1, 2, 3
    ) AS n
    JOIN budgets AS b ON b.id = n.budget_id
    CROSS JOIN LATERAL (
        SELECT sum(m.spent + m.held) AS amount, bool_or(m.barred) AS barred FROM budget_meters AS m
        WHERE m.budget_id = n.budget_id AND m.key = n.key AND m.starts_at >= n.since
            AND (b.period = 'hour' OR m.starts_at = n.since)
    ) AS used
    WHERE used.amount > n."limit" OR used.barred
    ORDER BY 1, b.action = 'refuse' DESC, b.id, n.key;
END
$$;

-- Admit groups of calls, each whole or not at all, and keep a reservation of each that is admitted.
-- Says whether there is a budget that refuses, and which limits were passed.
CREATE FUNCTION cost_reserve(wanted json, OUT hard boolean, OUT passed json) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    needs budget_need[];
    part budget_need[];
    refused integer[] := '{}';
    found json;
BEGIN
    -- Before anything is read: who sets a budget or sums anew locks this table and is waited for here.
    LOCK TABLE cost_reservations IN ROW EXCLUSIVE MODE;
    hard := EXISTS (SELECT FROM budgets WHERE action = 'refuse');
    IF EXISTS (SELECT FROM budgets) THEN
        SELECT array_agg(ROW(c."group", c.background, entry_time(c.id), b.budget_id, b.key, b.starts_at, b.period,
            CASE
                WHEN b.unit = 'usd' AND b.action = 'refuse' THEN c.cost_usd
                WHEN b.unit = 'usd' THEN c.expected_usd
                WHEN b.action = 'refuse' THEN c.input_tokens::bigint + c.output_tokens
                ELSE c.expected_tokens
            END)::budget_need)
        INTO needs
        FROM json_to_recordset(wanted) AS c ("group" integer, background boolean, id bigint, guild_id bigint,
            channel_id bigint, person_id bigint, plugin text, purpose text, model text, input_tokens integer,
            output_tokens integer, cost_usd numeric, expected_usd numeric, expected_tokens bigint)
        CROSS JOIN LATERAL budgets_of(entry_time(c.id), c.guild_id, c.channel_id, c.person_id, c.plugin,
            c.purpose, c.model) AS b;
    END IF;
    IF needs IS NOT NULL THEN
        PERFORM budget_hold(needs, 1);
        IF EXISTS (SELECT FROM budget_over(needs)) THEN  -- one group after the other, then
            PERFORM budget_hold(needs, -1);
            FOR part IN SELECT array_agg(n) FROM unnest(needs) AS n GROUP BY n."group" ORDER BY n."group" LOOP
                PERFORM budget_hold(part, 1);
                SELECT json_agg(over) INTO found FROM budget_over(part) AS over;
                IF found IS NULL THEN
                    CONTINUE;
                END IF;
                passed := (coalesce(passed::jsonb, '[]') || found::jsonb)::json;
                IF EXISTS (SELECT FROM json_array_elements(found) AS f WHERE f ->> 'action' = 'refuse') THEN
                    PERFORM budget_hold(part, -1);
                    refused := refused || part[1]."group";
                END IF;
            END LOOP;
        END IF;
    END IF;
    IF refused <> '{}' THEN
        wanted := (
            SELECT coalesce(json_agg(c), '[]') FROM json_array_elements(wanted) AS c
            WHERE (c ->> 'group')::integer <> ALL (refused)
        );
    END IF;
    INSERT INTO cost_reservations SELECT * FROM json_populate_recordset(NULL::cost_reservations, wanted);
END
$$;

-- Add what changed to meters, crossings and totals: reservations that ended, entries before and after.
CREATE FUNCTION cost_book(
    ended cost_reservations[], was cost_entries[], is_now cost_entries[], at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    touched budget_meters[];
BEGIN
    IF EXISTS (SELECT FROM budgets) THEN
        WITH changed AS (
            SELECT id, guild_id, channel_id, person_id, plugin, purpose, model, false AS above_reserved,
                0::numeric AS usd, 0::bigint AS tokens, -cost_usd AS worst_usd,
                -(input_tokens::bigint + output_tokens) AS worst_tokens, -expected_usd AS expected_usd,
                -expected_tokens AS expected_tokens
            FROM unnest(ended)
            UNION ALL
            SELECT id, guild_id, channel_id, person_id, plugin, purpose, model, false,
                -cost_usd, -(input_tokens::bigint + output_tokens), 0, 0, 0, 0
            FROM unnest(was)
            UNION ALL
            SELECT id, guild_id, channel_id, person_id, plugin, purpose, model, above_reserved,
                cost_usd, input_tokens::bigint + output_tokens, 0, 0, 0, 0
            FROM unnest(is_now)
        ), part AS (
            SELECT b.budget_id, b.key, b.starts_at, b.period,
                CASE b.unit WHEN 'usd' THEN c.usd ELSE c.tokens END AS spent,
                CASE
                    WHEN b.unit = 'usd' AND b.action = 'refuse' THEN c.worst_usd
                    WHEN b.unit = 'usd' THEN c.expected_usd
                    WHEN b.action = 'refuse' THEN c.worst_tokens
                    ELSE c.expected_tokens
                END AS held,
                c.above_reserved AND b.action = 'refuse' AS barred
            FROM changed AS c CROSS JOIN LATERAL budgets_of(entry_time(c.id), c.guild_id, c.channel_id,
                c.person_id, c.plugin, c.purpose, c.model) AS b
        ), metered AS (
            INSERT INTO budget_meters AS m (budget_id, key, starts_at, spent, held, barred)
            SELECT budget_id, key, bucket, sum(spent), sum(held), bool_or(barred) FROM (
                SELECT budget_id, key, starts_at AS bucket, spent, held, barred FROM part
                UNION ALL
                SELECT budget_id, key, '-infinity', 0, 0, false FROM part WHERE period = 'hour'
            ) AS parts
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            ON CONFLICT (budget_id, key, starts_at) DO UPDATE SET spent = m.spent + excluded.spent,
                held = m.held + excluded.held, barred = m.barred OR excluded.barred
            RETURNING m AS meter
        )
        SELECT array_agg(meter) INTO touched FROM metered;
        PERFORM budget_cross(touched, at) WHERE is_now IS NOT NULL;
    END IF;
    WITH entries AS (
        SELECT id, guild_id, person_id, purpose, model, plugin, 1 AS calls, input_tokens::bigint AS input_tokens,
            output_tokens::bigint AS output_tokens, cost_usd
        FROM unnest(is_now)
        UNION ALL
        SELECT id, guild_id, person_id, purpose, model, plugin, -1, -input_tokens::bigint,
            -output_tokens::bigint, -cost_usd
        FROM unnest(was)
    )
    INSERT INTO cost_totals AS t (month, scope, key, guild_id, calls, input_tokens, output_tokens, cost_usd)
    SELECT (date_trunc('month', entry_time(id), 'UTC') AT TIME ZONE 'UTC')::date, part.scope, part.key,
        part.guild_id, sum(calls), sum(input_tokens), sum(output_tokens), sum(cost_usd)
    FROM entries AS e CROSS JOIN LATERAL (VALUES
        ('all', '', 0::bigint), ('guild', e.guild_id::text, 0),
        ('person', e.person_id::text, 0), ('person', e.person_id::text, e.guild_id),
        ('purpose', e.purpose, 0), ('purpose', e.purpose, e.guild_id),
        ('model', e.model, 0), ('model', e.model, e.guild_id),
        ('plugin', e.plugin, 0), ('plugin', e.plugin, e.guild_id)
    ) AS part (scope, key, guild_id)
    WHERE part.key IS NOT NULL AND part.guild_id IS NOT NULL
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4, 3
    ON CONFLICT (month, scope, guild_id, key) DO UPDATE SET calls = t.calls + excluded.calls,
        input_tokens = t.input_tokens + excluded.input_tokens,
        output_tokens = t.output_tokens + excluded.output_tokens, cost_usd = t.cost_usd + excluded.cost_usd;
END
$$;

-- Note the thresholds that the meters have reached; each once per window, or per clock hour.
CREATE FUNCTION budget_cross(touched budget_meters[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO budget_crossings (budget_id, key, starts_at, percent, threshold, spent, crossed_at)
    SELECT t.budget_id, t.key, t.starts_at, mark.percent, mark.threshold, t.spent, at
    FROM (
        SELECT b.id AS budget_id, m.key, b.amount, b.alert_percents, b.alert_step, m.spent, m.starts_at
        FROM unnest(touched) AS m JOIN budgets AS b ON b.id = m.budget_id
        WHERE b.period <> 'hour'
        UNION ALL
        SELECT b.id, m.key, b.amount, b.alert_percents, b.alert_step, (
            SELECT sum(w.spent) FROM budget_meters AS w
            WHERE w.budget_id = m.budget_id AND w.key = m.key AND w.starts_at >= budget_since('hour', b.zone, at)
        ), date_trunc('hour', at)
        FROM unnest(touched) AS m JOIN budgets AS b ON b.id = m.budget_id
        WHERE b.period = 'hour' AND m.starts_at = '-infinity'
    ) AS t
    CROSS JOIN LATERAL (
        SELECT percent, t.amount * percent / 100 AS threshold FROM unnest(t.alert_percents) AS percent
        UNION ALL
        SELECT 0, floor(t.spent / t.alert_step) * t.alert_step
    ) AS mark
    WHERE t.spent > 0 AND mark.threshold > 0 AND t.spent >= mark.threshold
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (budget_id, key, starts_at, percent, threshold) DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('budget_crossings', '');
    END IF;
END
$$;

-- Record calls that ended and give back those that were never made. One that was swept is corrected, once.
CREATE FUNCTION cost_settle(settled json, released bigint[], at timestamptz, OUT hard boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ids bigint[];
    ended cost_reservations[];
    was cost_entries[];
    is_now cost_entries[];
BEGIN
    LOCK TABLE cost_reservations IN ROW EXCLUSIVE MODE;
    hard := EXISTS (SELECT FROM budgets WHERE action = 'refuse');
    SELECT array_agg(r.id) || released INTO ids FROM json_to_recordset(settled) AS r (id bigint);
    ids := coalesce(ids, released);
    WITH due AS (
        SELECT id FROM cost_reservations WHERE id = ANY (ids) ORDER BY id FOR UPDATE
    ), gone AS (
        DELETE FROM cost_reservations AS r USING due WHERE r.id = due.id RETURNING r AS reservation
    )
    SELECT array_agg(reservation) INTO ended FROM gone;
    SELECT array_agg(e) INTO was FROM (
        SELECT * FROM cost_entries WHERE id = ANY (ids) AND outcome = 'swept' ORDER BY id FOR UPDATE
    ) AS e;
    IF was IS NOT NULL THEN
        DELETE FROM cost_entries WHERE id IN (SELECT id FROM unnest(was));
    END IF;
    WITH put AS (
        INSERT INTO cost_entries AS e
        SELECT DISTINCT ON (n.id) n.* FROM json_populate_recordset(NULL::cost_entries, settled) AS n ORDER BY n.id
        ON CONFLICT (id) DO NOTHING
        RETURNING e AS entry
    )
    SELECT array_agg(entry) INTO is_now FROM put;
    PERFORM cost_book(ended, was, is_now, at);
END
$$;

-- Book reservations that nobody settled in time, at their worst case.
CREATE FUNCTION cost_sweep(at timestamptz, most integer, OUT swept integer) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended cost_reservations[];
    is_now cost_entries[];
BEGIN
    LOCK TABLE cost_reservations IN ROW EXCLUSIVE MODE;
    WITH due AS (
        SELECT id FROM cost_reservations WHERE expires_at <= at
        ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM cost_reservations AS r USING due WHERE r.id = due.id RETURNING r AS reservation
    )
    SELECT array_agg(reservation) INTO ended FROM gone;
    WITH put AS (
        INSERT INTO cost_entries AS e
        SELECT n.* FROM json_populate_recordset(NULL::cost_entries, to_json(ended)) AS n ORDER BY n.id
        ON CONFLICT (id) DO NOTHING
        RETURNING e AS entry
    )
    SELECT array_agg(entry) INTO is_now FROM put;
    PERFORM cost_book(ended, NULL, is_now, at);
    swept := coalesce(cardinality(ended), 0);
END
$$;

-- What the meters of the current windows should hold, summed from entries and reservations.
CREATE FUNCTION budget_sums(at timestamptz)
RETURNS TABLE (budget_id bigint, key text, starts_at timestamptz, spent numeric, held numeric)
LANGUAGE sql STABLE AS $$
    WITH since AS (
        SELECT min(CASE period WHEN 'total' THEN set_at ELSE budget_since(period, zone, at) END) AS first FROM budgets
    ), part AS (
        SELECT b.*, CASE b.unit WHEN 'usd' THEN e.cost_usd ELSE e.input_tokens::bigint + e.output_tokens END AS spent,
            0::numeric AS held
        FROM since CROSS JOIN cost_entries AS e CROSS JOIN LATERAL budgets_of(entry_time(e.id), e.guild_id,
            e.channel_id, e.person_id, e.plugin, e.purpose, e.model) AS b
        WHERE e.id >= (extract(epoch FROM since.first - timestamptz '2015-01-01 00:00:00+00') * 1000)::bigint << 22
        UNION ALL
        SELECT b.*, 0, CASE
            WHEN b.unit = 'usd' AND b.action = 'refuse' THEN r.cost_usd
            WHEN b.unit = 'usd' THEN r.expected_usd
            WHEN b.action = 'refuse' THEN r.input_tokens::bigint + r.output_tokens
            ELSE r.expected_tokens
        END
        FROM cost_reservations AS r CROSS JOIN LATERAL budgets_of(entry_time(r.id), r.guild_id,
            r.channel_id, r.person_id, r.plugin, r.purpose, r.model) AS b
        UNION ALL
        SELECT m.budget_id, m.key, m.starts_at, b.period, b.unit, b.action, m.rolled_up, 0
        FROM budget_meters AS m JOIN budgets AS b ON b.id = m.budget_id
    )
    SELECT part.budget_id, part.key, part.starts_at, sum(part.spent), sum(part.held)
    FROM part JOIN budgets AS b ON b.id = part.budget_id
    WHERE part.starts_at >= budget_since(b.period, b.zone, at)
    GROUP BY 1, 2, 3
$$;
