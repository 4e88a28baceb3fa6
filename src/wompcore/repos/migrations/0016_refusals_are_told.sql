-- The owner is told when a budget begins to refuse calls: one that is judged by the worst case is hardly ever
-- spent to the last cent. And a name that no index could hold is refused before its call is made.

ALTER TABLE cost_reservations ADD CONSTRAINT names_fit_into_an_index
    CHECK (octet_length(model) <= 500 AND octet_length(plugin) <= 500);

-- Note the budgets that refuse a call as -2 percent, each limit once per window. Of budgets for each one on its
-- own the person hears, and not the owner.
CREATE FUNCTION budget_refused(over json, needs budget_need[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO budget_crossings (budget_id, key, starts_at, percent, threshold, spent, crossed_at)
    SELECT DISTINCT ON (b.id) b.id, n.key,
        CASE b.period WHEN 'hour' THEN date_trunc('hour', n.at) ELSE n.starts_at END, -2, o."limit", o.spent, n.at
    FROM json_to_recordset(over) AS o (budget_id bigint, "limit" numeric, spent numeric, barred boolean)
    JOIN budgets AS b ON b.id = o.budget_id AND b.action = 'refuse' AND b.key <> '*'
    JOIN unnest(needs) AS n ON n.budget_id = b.id
    WHERE NOT o.barred
    ON CONFLICT (budget_id, key, starts_at, percent, threshold) DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('budget_crossings', '');
    END IF;
END
$$;

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
