-- The ledger's locks are held for less long: what calls in one budget wait for, its meter, is taken last.

-- Written so that PostgreSQL puts its body in the place of a call: only immutable functions, and the same moment.
CREATE OR REPLACE FUNCTION entry_time(id bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp(1420070400 + (id >> 22)::double precision / 1000)
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
END
$$;
