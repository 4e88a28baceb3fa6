-- A budget for people counts those who opted out as well. Such a call names nobody; beside it stands who is
-- counted, only while there is a budget for people, and until its window ends.

ALTER TABLE cost_entries ADD payer_id bigint;
ALTER TABLE cost_reservations ADD payer_id bigint;
CREATE INDEX cost_entries_payer ON cost_entries (payer_id, id) WHERE payer_id IS NOT NULL;

CREATE FUNCTION cost_drop_payer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM budgets WHERE scope = 'person') THEN
        NEW.payer_id := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER drop_payer BEFORE INSERT ON cost_entries FOR EACH ROW
    WHEN (NEW.payer_id IS NOT NULL) EXECUTE FUNCTION cost_drop_payer();
CREATE TRIGGER drop_payer BEFORE INSERT ON cost_reservations FOR EACH ROW
    WHEN (NEW.payer_id IS NOT NULL) EXECUTE FUNCTION cost_drop_payer();

-- Admit groups of calls, each whole or not at all, and keep a reservation of each that is admitted.
-- Says whether there is a budget that refuses, and which limits were passed. Notes the budgets that refused.
CREATE OR REPLACE FUNCTION cost_reserve(wanted json, OUT hard boolean, OUT passed json) LANGUAGE plpgsql
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
            channel_id bigint, person_id bigint, payer_id bigint, plugin text, purpose text, model text,
            input_tokens integer, output_tokens integer, cost_usd numeric, expected_usd numeric, expected_tokens bigint)
        CROSS JOIN LATERAL budgets_of(entry_time(c.id), c.guild_id, c.channel_id,
            coalesce(c.person_id, c.payer_id), c.plugin, c.purpose, c.model) AS b;
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
                    PERFORM budget_refused(found, part);
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

-- Add what changed to totals, meters and crossings: reservations that ended, entries before and after.
CREATE OR REPLACE FUNCTION cost_book(
    ended cost_reservations[], was cost_entries[], is_now cost_entries[], at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    touched budget_meters[];
BEGIN
    WITH entries AS (
        SELECT id, guild_id, channel_id, person_id, purpose, model, plugin, 1 AS calls,
            input_tokens::bigint AS input_tokens, output_tokens::bigint AS output_tokens, cost_usd
        FROM unnest(is_now)
        UNION ALL
        SELECT id, guild_id, channel_id, person_id, purpose, model, plugin, -1, -input_tokens::bigint,
            -output_tokens::bigint, -cost_usd
        FROM unnest(was)
    )
    INSERT INTO cost_totals AS t (month, scope, key, guild_id, calls, input_tokens, output_tokens, cost_usd)
    SELECT (date_trunc('month', entry_time(id), 'UTC') AT TIME ZONE 'UTC')::date, part.scope, part.key,
        part.guild_id, sum(calls), sum(input_tokens), sum(output_tokens), sum(cost_usd)
    FROM entries AS e CROSS JOIN LATERAL cost_parts(
        e.id, e.guild_id, e.channel_id, e.person_id, e.plugin, e.purpose, e.model) AS part
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4, 3
    ON CONFLICT (month, scope, guild_id, key) DO UPDATE SET calls = t.calls + excluded.calls,
        input_tokens = t.input_tokens + excluded.input_tokens,
        output_tokens = t.output_tokens + excluded.output_tokens, cost_usd = t.cost_usd + excluded.cost_usd;
    IF EXISTS (SELECT FROM budgets) THEN
        WITH changed AS (
            SELECT id, guild_id, channel_id, coalesce(person_id, payer_id) AS person_id, plugin, purpose,
                model, false AS above_reserved, 0::numeric AS usd, 0::bigint AS tokens, -cost_usd AS worst_usd,
                -(input_tokens::bigint + output_tokens) AS worst_tokens, -expected_usd AS expected_usd,
                -expected_tokens AS expected_tokens
            FROM unnest(ended)
            UNION ALL
            SELECT id, guild_id, channel_id, coalesce(person_id, payer_id), plugin, purpose, model, false,
                -cost_usd, -(input_tokens::bigint + output_tokens), 0, 0, 0, 0
            FROM unnest(was)
            UNION ALL
            SELECT id, guild_id, channel_id, coalesce(person_id, payer_id), plugin, purpose, model,
                above_reserved, cost_usd, input_tokens::bigint + output_tokens, 0, 0, 0, 0
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
END
$$;

-- What the meters of the current windows should hold, summed from entries and reservations.
CREATE OR REPLACE FUNCTION budget_sums(at timestamptz)
RETURNS TABLE (budget_id bigint, key text, starts_at timestamptz, spent numeric, held numeric)
LANGUAGE sql STABLE AS $$
    WITH since AS (
        SELECT min(CASE period WHEN 'total' THEN set_at ELSE budget_since(period, zone, at) END) AS first FROM budgets
    ), part AS (
        SELECT b.*, CASE b.unit WHEN 'usd' THEN e.cost_usd ELSE e.input_tokens::bigint + e.output_tokens END AS spent,
            0::numeric AS held
        FROM since CROSS JOIN cost_entries AS e CROSS JOIN LATERAL budgets_of(entry_time(e.id), e.guild_id,
            e.channel_id, coalesce(e.person_id, e.payer_id), e.plugin, e.purpose, e.model) AS b
        WHERE e.id >= (extract(epoch FROM since.first - timestamptz '2015-01-01 00:00:00+00') * 1000)::bigint << 22
        UNION ALL
        SELECT b.*, 0, CASE
            WHEN b.unit = 'usd' AND b.action = 'refuse' THEN r.cost_usd
            WHEN b.unit = 'usd' THEN r.expected_usd
            WHEN b.action = 'refuse' THEN r.input_tokens::bigint + r.output_tokens
            ELSE r.expected_tokens
        END
        FROM cost_reservations AS r CROSS JOIN LATERAL budgets_of(entry_time(r.id), r.guild_id,
            r.channel_id, coalesce(r.person_id, r.payer_id), r.plugin, r.purpose, r.model) AS b
        UNION ALL
        SELECT m.budget_id, m.key, m.starts_at, b.period, b.unit, b.action, m.rolled_up, 0
        FROM budget_meters AS m JOIN budgets AS b ON b.id = m.budget_id
    )
    SELECT part.budget_id, part.key, part.starts_at, sum(part.spent), sum(part.held)
    FROM part JOIN budgets AS b ON b.id = part.budget_id
    WHERE part.starts_at >= budget_since(b.period, b.zone, at)
    GROUP BY 1, 2, 3
$$;

-- Entries lose the person; what was summed for that person alone goes, and alerts that name them. Returns how
-- many entries there were.
CREATE OR REPLACE FUNCTION cost_forget_person(person bigint, OUT entries integer) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM deliveries WHERE starts_with(key, 'crossing:') AND strpos(text, '<@' || person || '>') > 0;
    LOCK TABLE cost_reservations IN SHARE ROW EXCLUSIVE MODE;
    UPDATE cost_reservations SET person_id = NULL, message_id = NULL WHERE person_id = person;
    UPDATE cost_entries SET person_id = NULL, message_id = NULL WHERE person_id = person;
    GET DIAGNOSTICS entries = ROW_COUNT;
    UPDATE cost_reservations SET payer_id = NULL WHERE payer_id = person;
    UPDATE cost_entries SET payer_id = NULL WHERE payer_id = person;
    DELETE FROM budgets WHERE scope = 'person' AND key = person::text;
    DELETE FROM budget_meters AS m USING budgets AS b
    WHERE b.id = m.budget_id AND b.scope = 'person' AND m.key = person::text;
    DELETE FROM budget_crossings AS c USING budgets AS b
    WHERE b.id = c.budget_id AND b.scope = 'person' AND c.key = person::text;
    DELETE FROM cost_totals WHERE scope = 'person' AND key = person::text;
END
$$;
