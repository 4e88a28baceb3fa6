-- A budget that a call above its reservation closes is noted like a threshold, as -1 percent; and what
-- the ledger keeps of a person can be taken out of it, so that totals and entries still agree.

CREATE OR REPLACE FUNCTION budget_cross(touched budget_meters[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
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
    UNION ALL
    SELECT m.budget_id, m.key, CASE b.period WHEN 'hour' THEN date_trunc('hour', m.starts_at) ELSE m.starts_at END,
        -1, 0, sum(m.spent), at
    FROM unnest(touched) AS m JOIN budgets AS b ON b.id = m.budget_id
    WHERE m.barred
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (budget_id, key, starts_at, percent, threshold) DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('budget_crossings', '');
    END IF;
END
$$;

-- Entries lose the person; what was summed for that person alone goes. Returns how many entries there were.
CREATE FUNCTION cost_forget_person(person bigint, OUT entries integer) LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE cost_reservations IN SHARE ROW EXCLUSIVE MODE;
    UPDATE cost_reservations SET person_id = NULL, message_id = NULL WHERE person_id = person;
    UPDATE cost_entries SET person_id = NULL, message_id = NULL WHERE person_id = person;
    GET DIAGNOSTICS entries = ROW_COUNT;
    DELETE FROM budgets WHERE scope = 'person' AND key = person::text;
    DELETE FROM budget_meters AS m USING budgets AS b
    WHERE b.id = m.budget_id AND b.scope = 'person' AND m.key = person::text;
    DELETE FROM budget_crossings AS c USING budgets AS b
    WHERE b.id = c.budget_id AND b.scope = 'person' AND c.key = person::text;
    DELETE FROM cost_totals WHERE scope = 'person' AND key = person::text;
END
$$;
