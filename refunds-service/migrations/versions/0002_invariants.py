"""What must hold of refunds, their balances, their payments and their events, as a function."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Refunds are only added, in the order of time: a BRIN finds the latest of millions for a few pages.
    op.execute("CREATE INDEX refunds_created_at ON refunds USING brin (created_at) WITH (autosummarize = on)")
    op.execute("""
        CREATE FUNCTION refunds_invariants(since timestamptz, rows_limit bigint)
        RETURNS TABLE (invariant text, violations bigint, examples text[])
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
        BEGIN
            -- A lease lasts ten seconds; what is a minute late has been lost by more than one worker.
            RETURN QUERY SELECT 'refunds.none_stuck', count(*), (array_agg(v.said))[1:5] FROM (
                SELECT format('%s: pending, due since %s', id, due_at) FROM refunds
                WHERE status = 'pending' AND due_at < now() - interval '1 minute' LIMIT 1000
            ) AS v(said);

            RETURN QUERY WITH recent AS (
                (SELECT r.id FROM refunds AS r WHERE r.created_at >= since LIMIT rows_limit)
                UNION
                (SELECT e.refund_id FROM event_occurrences AS e
                 WHERE e.created_at >= since AND e.event LIKE 'refund.%' LIMIT rows_limit)
            ), found AS (
                SELECT r.id, r.payment_id, r.merchant_id, r.status, recent.id AS told_id
                FROM recent LEFT JOIN refunds AS r ON r.id = recent.id
            ), told AS (
                SELECT found.id, found.status,
                       count(*) FILTER (WHERE e.event = 'refund.created') AS created,
                       count(*) FILTER (WHERE e.event IN ('refund.processed', 'refund.failed')) AS terminal,
                       count(*) FILTER (WHERE e.event = 'refund.' || found.status) AS same
                FROM found LEFT JOIN event_occurrences AS e ON e.payment_id = found.payment_id AND e.refund_id = found.id
                WHERE found.id IS NOT NULL GROUP BY found.id, found.status
            ), payments_found AS (
                SELECT payment_id AS id FROM found WHERE payment_id IS NOT NULL
                UNION
                SELECT b.payment_id FROM refund_balances AS b WHERE since = '-infinity'
            ), sums AS (
                SELECT p.id, p.amount, p.status, b.payment_amount, b.refunded_amount,
                       coalesce(sum(r.amount) FILTER (WHERE r.status <> 'failed'), 0) AS refunded
                FROM payments_found JOIN payments AS p ON p.id = payments_found.id
                LEFT JOIN refunds AS r ON r.payment_id = p.id
                LEFT JOIN refund_balances AS b ON b.payment_id = p.id
                GROUP BY p.id, p.amount, p.status, b.payment_amount, b.refunded_amount
            ), broken AS (
                SELECT 'refunds.created_event' AS invariant, format('%s: %s × created', id, created) AS said
                FROM told WHERE created <> 1
                UNION ALL
                SELECT 'refunds.one_terminal_event', format('%s: %s, with %s terminal events', id, status, terminal)
                FROM told WHERE terminal <> (status <> 'pending')::int OR same <> (status <> 'pending')::int
                UNION ALL
                SELECT 'refunds.events_have_refund', format('%s: events, but no refund', told_id) FROM found WHERE id IS NULL
                UNION ALL
                SELECT 'refunds.within_payment', format('%s: %s refunded of %s', id, refunded, amount)
                FROM sums WHERE refunded > amount
                UNION ALL
                SELECT 'refunds.balance_is_true', format('%s: %s refunded of %s, the balance says %s of %s', id, refunded, amount,
                       coalesce(refunded_amount::text, 'nothing'), coalesce(payment_amount::text, 'nothing'))
                FROM sums WHERE refunded_amount IS DISTINCT FROM refunded OR payment_amount IS DISTINCT FROM amount
                UNION ALL
                SELECT 'refunds.payment_succeeded', format('%s: refunded, but %s', id, status)
                FROM sums WHERE refunded > 0 AND status <> 'success'
                UNION ALL
                SELECT 'refunds.merchant_is_of_payment', format('%s: another merchant than its payment %s', f.id, f.payment_id)
                FROM found AS f JOIN payments AS p ON p.id = f.payment_id WHERE f.merchant_id <> p.merchant_id
            )
            SELECT c.name, count(b.said), (array_agg(b.said) FILTER (WHERE b.said IS NOT NULL))[1:5]
            FROM unnest(ARRAY['refunds.created_event', 'refunds.one_terminal_event', 'refunds.events_have_refund',
                              'refunds.within_payment', 'refunds.balance_is_true', 'refunds.payment_succeeded',
                              'refunds.merchant_is_of_payment']) AS c(name)
            LEFT JOIN (SELECT * FROM broken LIMIT 1000) AS b ON b.invariant = c.name GROUP BY c.name ORDER BY c.name;
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION refunds_invariants(timestamptz, bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION refunds_invariants(timestamptz, bigint) TO payments_service")


def downgrade() -> None:
    op.execute("DROP FUNCTION refunds_invariants(timestamptz, bigint)")
    op.execute("DROP INDEX refunds_created_at")
