"""What must hold of events, logs and attempts, as a function; and what others may know of events for theirs."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rows are only added to both, in the order of time: a BRIN finds the latest of millions for a few pages.
    op.execute("CREATE INDEX events_created_at ON events USING brin (created_at) WITH (autosummarize = on)")
    op.execute("CREATE INDEX webhook_attempts_at ON webhook_attempts USING brin (attempted_at) WITH (autosummarize = on)")
    # That something happened, without what was said of it.
    op.execute("""
        CREATE VIEW event_occurrences AS
        SELECT id, merchant_id, event, payment_id, payload #>> '{data,refund,id}' AS refund_id, created_at FROM events
    """)
    op.execute("GRANT SELECT ON event_occurrences TO payments_owner, refunds_owner")
    op.execute("""
        CREATE FUNCTION webhooks_invariants(since timestamptz, rows_limit bigint)
        RETURNS TABLE (invariant text, violations bigint, examples text[])
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
        BEGIN
            -- An endpoint that hangs makes its own deliveries late, so late ones alone prove nothing: its merchant's
            -- deliveries must stand still besides.
            RETURN QUERY SELECT 'webhooks.none_stuck', count(*), (array_agg(v.said))[1:5] FROM (
                SELECT format('merchant %s: due since %s, nothing attempted since', late.merchant_id, late.due_at)
                FROM (
                    SELECT merchant_id, min(next_retry_at) AS due_at FROM (
                        SELECT merchant_id, next_retry_at FROM webhook_logs
                        WHERE status = 'pending' AND next_retry_at < now() - interval '2 minutes'
                        ORDER BY next_retry_at LIMIT 10000
                    ) AS oldest GROUP BY merchant_id
                ) AS late
                WHERE NOT EXISTS (
                    SELECT FROM webhook_attempts AS a JOIN webhook_logs AS l ON l.id = a.webhook_log_id
                    WHERE a.attempted_at > now() - interval '2 minutes' AND l.merchant_id = late.merchant_id
                ) LIMIT 1000
            ) AS v(said);

            RETURN QUERY WITH recent AS (
                (SELECT l.id FROM webhook_logs AS l JOIN events AS e ON e.id = l.event_id
                 WHERE e.created_at >= since LIMIT rows_limit)
                UNION
                (SELECT a.webhook_log_id FROM webhook_attempts AS a WHERE a.attempted_at >= since LIMIT rows_limit)
            ), logs AS (
                SELECT l.id, l.status, l.attempts, last.attempt AS last_attempt, last.succeeded, last.error,
                       coalesce(history.is_broken, false) AS is_broken
                FROM recent JOIN webhook_logs AS l USING (id)
                LEFT JOIN LATERAL (
                    SELECT a.attempt, a.succeeded, a.error FROM webhook_attempts AS a
                    WHERE a.webhook_log_id = l.id ORDER BY a.id DESC LIMIT 1
                ) AS last ON true
                LEFT JOIN LATERAL (
                    -- Each attempt is the next of its count or the first of a new one (a retry by hand). A success
                    -- that comes in late, beside the attempt that was made in its place, shares that one's number.
                    SELECT bool_or(a.attempt <> 1 AND a.attempt <> a.before + 1 AND NOT (a.succeeded AND a.attempt = a.before))
                           AS is_broken
                    FROM (SELECT attempt, succeeded, lag(attempt, 1, 0) OVER (ORDER BY id) AS before
                          FROM webhook_attempts WHERE webhook_log_id = l.id) AS a
                ) AS history ON true
            ), broken AS (
                SELECT 'webhooks.attempts_are_counted' AS invariant,
                       format('%s: %s attempts in the log, the last recorded is %s', id, attempts, coalesce(last_attempt, 0))
                       AS said
                FROM logs WHERE is_broken
                   OR CASE WHEN attempts = 0 THEN status <> 'pending' ELSE last_attempt IS DISTINCT FROM attempts END
                UNION ALL
                SELECT 'webhooks.failed_after_five', format('%s: failed after %s attempts', id, attempts)
                FROM logs WHERE status = 'failed' AND attempts < 5
                  AND error IS DISTINCT FROM 'The merchant has no webhook URL'
                UNION ALL
                SELECT 'webhooks.status_is_of_last_attempt', format('%s: %s after an attempt that %s', id, status,
                       CASE WHEN succeeded THEN 'succeeded' ELSE 'failed' END)
                FROM logs WHERE attempts > 0 AND (status = 'success') <> coalesce(succeeded, false)
                UNION ALL
                SELECT 'webhooks.pending_has_attempts_left', format('%s: pending after %s attempts', id, attempts)
                FROM logs WHERE status = 'pending' AND attempts >= 5
            )
            SELECT c.name, count(b.said), (array_agg(b.said) FILTER (WHERE b.said IS NOT NULL))[1:5]
            FROM unnest(ARRAY['webhooks.attempts_are_counted', 'webhooks.failed_after_five',
                              'webhooks.status_is_of_last_attempt', 'webhooks.pending_has_attempts_left']) AS c(name)
            LEFT JOIN (SELECT * FROM broken LIMIT 1000) AS b ON b.invariant = c.name GROUP BY c.name ORDER BY c.name;

            RETURN QUERY SELECT 'webhooks.one_log_per_event', count(*), (array_agg(v.said))[1:5] FROM (
                SELECT format('%s: %s logs', e.id, count(*))
                FROM (SELECT id FROM events WHERE created_at >= since LIMIT rows_limit) AS e
                JOIN webhook_logs AS l ON l.event_id = e.id GROUP BY e.id HAVING count(*) > 1 LIMIT 1000
            ) AS v(said);
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION webhooks_invariants(timestamptz, bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION webhooks_invariants(timestamptz, bigint) TO payments_service")


def downgrade() -> None:
    op.execute("DROP FUNCTION webhooks_invariants(timestamptz, bigint)")
    op.execute("DROP VIEW event_occurrences")
    op.execute("DROP INDEX webhook_attempts_at, events_created_at")
