"""What must hold of payments, their orders, their events and their tallies, as a function."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Payments are only added, in the order of time: a BRIN finds the latest of millions for a few pages.
    op.execute("CREATE INDEX payments_created_at ON payments USING brin (created_at) WITH (autosummarize = on)")
    op.execute("GRANT SELECT (id, amount, status, merchant_id) ON payments TO refunds_owner")
    op.execute("""
        CREATE FUNCTION payments_invariants(since timestamptz, rows_limit bigint)
        RETURNS TABLE (invariant text, violations bigint, examples text[])
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
        BEGIN
            -- A lease lasts ten seconds; what is a minute late has been lost by more than one worker.
            RETURN QUERY SELECT 'payments.none_stuck', count(*), (array_agg(v.said))[1:5] FROM (
                SELECT format('%s: pending, due since %s', id, due_at) FROM payments
                WHERE status = 'pending' AND due_at < now() - interval '1 minute' LIMIT 1000
            ) AS v(said);

            RETURN QUERY WITH recent AS (
                (SELECT p.id FROM payments AS p WHERE p.created_at >= since LIMIT rows_limit)
                UNION
                (SELECT e.payment_id FROM event_occurrences AS e
                 WHERE e.created_at >= since AND e.payment_id IS NOT NULL LIMIT rows_limit)
            ), found AS (
                SELECT p.id, p.order_id, p.status, p.captured, p.amount, p.currency, p.merchant_id, recent.id AS told_id
                FROM recent LEFT JOIN payments AS p ON p.id = recent.id
            ), told AS (
                SELECT found.id, found.status,
                       count(*) FILTER (WHERE e.event = 'payment.created') AS created,
                       count(*) FILTER (WHERE e.event = 'payment.pending') AS pending,
                       count(*) FILTER (WHERE e.event IN ('payment.success', 'payment.failed')) AS terminal,
                       count(*) FILTER (WHERE e.event = 'payment.' || found.status) AS same
                FROM found LEFT JOIN event_occurrences AS e ON e.payment_id = found.id
                WHERE found.id IS NOT NULL GROUP BY found.id, found.status
            ), orders_found AS (
                SELECT order_id AS id FROM found WHERE order_id IS NOT NULL
                UNION
                (SELECT o.id FROM orders AS o WHERE o.created_at >= since LIMIT rows_limit)
            ), successes AS (
                SELECT o.id, o.status, count(p.id) AS successes
                FROM orders_found JOIN orders AS o ON o.id = orders_found.id
                LEFT JOIN payments AS p ON p.order_id = o.id AND p.status = 'success'
                GROUP BY o.id, o.status
            ), broken AS (
                SELECT 'payments.created_and_pending_events' AS invariant,
                       format('%s: %s × created, %s × pending', id, created, pending) AS said
                FROM told WHERE created <> 1 OR pending <> 1
                UNION ALL
                SELECT 'payments.one_terminal_event', format('%s: %s, with %s terminal events', id, status, terminal)
                FROM told WHERE terminal <> (status <> 'pending')::int OR same <> 1
                UNION ALL
                SELECT 'payments.events_have_payment', format('%s: events, but no payment', told_id) FROM found WHERE id IS NULL
                UNION ALL
                SELECT 'payments.captured_is_success', format('%s: captured and %s', id, status)
                FROM found WHERE captured AND status <> 'success'
                UNION ALL
                SELECT 'payments.amount_is_of_order', format('%s: differs from its order %s', f.id, f.order_id)
                FROM found AS f JOIN orders AS o ON o.id = f.order_id
                WHERE (f.amount, f.currency, f.merchant_id) IS DISTINCT FROM (o.amount, o.currency, o.merchant_id)
                UNION ALL
                SELECT 'payments.one_success_per_order', format('%s: %s successful payments', id, successes)
                FROM successes WHERE successes > 1
                UNION ALL
                SELECT 'payments.order_paid_iff_success', format('%s: %s, with %s successful payments', id, status, successes)
                FROM successes WHERE (status = 'paid') <> (successes > 0)
            )
            SELECT c.name, count(b.said), (array_agg(b.said) FILTER (WHERE b.said IS NOT NULL))[1:5]
            FROM unnest(ARRAY['payments.created_and_pending_events', 'payments.one_terminal_event',
                              'payments.events_have_payment', 'payments.captured_is_success', 'payments.amount_is_of_order',
                              'payments.one_success_per_order', 'payments.order_paid_iff_success']) AS c(name)
            LEFT JOIN (SELECT * FROM broken LIMIT 1000) AS b ON b.invariant = c.name GROUP BY c.name ORDER BY c.name;

            -- Of everything that is tallied only the pending ones can be counted by an index; the rest has its turn
            -- where everything is looked at.
            RETURN QUERY WITH touched AS (
                SELECT DISTINCT p.merchant_id FROM payments AS p WHERE p.created_at >= since
                UNION
                SELECT y.merchant_id FROM payment_tallies AS y WHERE since = '-infinity'
            )
            SELECT 'payments.tallies_are_true', count(*), (array_agg(v.said))[1:5] FROM (
                SELECT format('%s %s %s %s: %s payments of %s in all, tallied as %s of %s', merchant_id, day, method, status,
                              coalesce(p.payments, 0), coalesce(p.amount, 0), coalesce(t.payments, 0), coalesce(t.amount, 0))
                FROM (
                    SELECT y.merchant_id, y.day, y.method, y.status, sum(y.payments) AS payments, sum(y.amount) AS amount
                    FROM payment_tallies AS y JOIN touched USING (merchant_id)
                    WHERE since = '-infinity' OR y.status = 'pending' AND y.day >= (since AT TIME ZONE 'UTC')::date
                    GROUP BY 1, 2, 3, 4
                ) AS t
                FULL JOIN (
                    SELECT q.merchant_id, (q.created_at AT TIME ZONE 'UTC')::date AS day, q.method, q.status,
                           count(*) AS payments, sum(q.amount) AS amount
                    FROM payments AS q JOIN touched USING (merchant_id)
                    WHERE since = '-infinity'
                       OR q.status = 'pending' AND (q.created_at AT TIME ZONE 'UTC')::date >= (since AT TIME ZONE 'UTC')::date
                    GROUP BY 1, 2, 3, 4
                ) AS p USING (merchant_id, day, method, status)
                WHERE (coalesce(p.payments, 0), coalesce(p.amount, 0)) <> (coalesce(t.payments, 0), coalesce(t.amount, 0))
                LIMIT 1000
            ) AS v(said);
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION payments_invariants(timestamptz, bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION payments_invariants(timestamptz, bigint) TO payments_service")


def downgrade() -> None:
    op.execute("DROP FUNCTION payments_invariants(timestamptz, bigint)")
    op.execute("REVOKE SELECT (id, amount, status, merchant_id) ON payments FROM refunds_owner")
    op.execute("DROP INDEX payments_created_at")
