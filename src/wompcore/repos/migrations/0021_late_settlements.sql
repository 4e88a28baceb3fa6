-- What a late settlement may not do: count a call twice whose month was dropped meanwhile, or name somebody whom
-- the ledger has forgotten. And a settlement looks for swept entries only where a reservation is missing.

-- Every call changes its totals: with room in a page the new version of a row stays in it, and no index changes.
ALTER TABLE cost_totals SET (fillfactor = 50);

-- Entries as they may be written: none of a closed month that this statement does not move out of a reservation or
-- a swept entry, for its worst case is in the totals already; and nobody's name where those name nobody.
CREATE FUNCTION cost_may_settle(settled json, moved bigint[], nameless bigint[]) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(CASE
        WHEN (e ->> 'id')::bigint = ANY (nameless)
            THEN (e::jsonb || '{"person_id": null, "message_id": null, "payer_id": null}')::json
        ELSE e
    END), '[]')
    FROM json_array_elements(settled) AS e
    WHERE (e ->> 'id')::bigint = ANY (moved) OR NOT EXISTS (
        SELECT FROM cost_months_rolled_up
        WHERE month = (date_trunc('month', entry_time((e ->> 'id')::bigint), 'UTC') AT TIME ZONE 'UTC')::date
    )
$$;

-- Record calls that ended and give back those that were never made. One that was swept is corrected, once.
CREATE OR REPLACE FUNCTION cost_settle(settled json, released bigint[], at timestamptz, OUT hard boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ids bigint[];
    named bigint[];
    nameless bigint[];
    ended cost_reservations[];
    was cost_entries[];
    is_now cost_entries[];
BEGIN
    LOCK TABLE cost_reservations IN ROW EXCLUSIVE MODE;
    hard := EXISTS (SELECT FROM budgets WHERE action = 'refuse');
    SELECT coalesce(array_agg(r.id), '{}') || released,
        coalesce(array_agg(r.id) FILTER (WHERE coalesce(r.person_id, r.payer_id, r.message_id) IS NOT NULL), '{}')
    INTO ids, named
    FROM json_to_recordset(settled) AS r (id bigint, person_id bigint, payer_id bigint, message_id bigint);
    WITH due AS (
        SELECT id FROM cost_reservations WHERE id = ANY (ids) ORDER BY id FOR UPDATE
    ), gone AS (
        DELETE FROM cost_reservations AS r USING due WHERE r.id = due.id RETURNING r AS reservation
    )
    SELECT array_agg(reservation), array_agg((reservation).id) FILTER (WHERE (reservation).id = ANY (named)
        AND coalesce((reservation).person_id, (reservation).payer_id, (reservation).message_id) IS NULL)
    INTO ended, nameless
    FROM gone;
    IF cardinality(ended) IS DISTINCT FROM cardinality(ids) THEN  -- settled before, swept, or never reserved
        SELECT array_agg(e), nameless || array_agg(e.id) FILTER (WHERE e.id = ANY (named)
            AND coalesce(e.person_id, e.payer_id, e.message_id) IS NULL)
        INTO was, nameless
        FROM (
            SELECT * FROM cost_entries WHERE id = ANY (ids) AND outcome = 'swept' ORDER BY id FOR UPDATE
        ) AS e;
        DELETE FROM cost_entries WHERE id IN (SELECT id FROM unnest(was));
        settled := cost_may_settle(
            settled, ARRAY(SELECT id FROM unnest(ended) UNION ALL SELECT id FROM unnest(was)), nameless);
    ELSIF nameless IS NOT NULL THEN
        settled := cost_may_settle(settled, ids, nameless);
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
