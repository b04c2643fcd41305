import { lazy, Suspense } from "react";
import { Link, useSearchParams } from "react-router";
import { usePayments, useStats } from "../../api/queries";
import type { Payment, Stats } from "../../api/types";
import { Credential } from "../../components/secret";
import { DateRange } from "../../components/filter-bar";
import { payerText } from "../../components/payment-words";
import { PageHeader } from "../../components/page-header";
import { EmptyState, ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { useDraft } from "../../components/use-draft";
import { formatRelative, formatTimestamp } from "../../format/dates";
import { formatCount, formatMoney, formatPercent } from "../../format/money";
import { useSignedInMerchant } from "../../layout/merchant-context";
import styles from "./home-page.module.css";
import { periodDates, PERIODS, type Period } from "./period";

// Charts are the heaviest part of the dashboard; the figures do not wait for them.
const Charts = lazy(async () => ({ default: (await import("./charts")).Charts }));

const LATEST_COUNT = 6;

export function HomePage() {
  const merchant = useSignedInMerchant();
  const [parameters, setParameters] = useSearchParams();
  const choice = parameters.get("period") ?? "all";
  const [shownChoice, setShownChoice] = useDraft(choice);
  const custom = { from: parameters.get("from") ?? "", to: parameters.get("to") ?? "" };
  const period = periodDates(choice, custom);
  const stats = useStats(period);

  const choose = (changes: Record<string, string>): void =>
    setParameters({ period: choice, ...(choice === "custom" ? custom : {}), ...changes }, { replace: true });

  if (stats.isPending) {
    return (
      <>
        <PageHeader title="Overview" />
        <Skeleton lines={8} label="Loading your figures" />
      </>
    );
  }
  return (
    <div data-test-id="dashboard">
      <PageHeader title="Overview" lead={merchant.name}>
        <fieldset className={styles.periods}>
          <legend className="visually-hidden">Period</legend>
          {PERIODS.map(([value, label]) => (
            <label key={value}>
              <input
                type="radio"
                name="period"
                value={value}
                checked={shownChoice === value}
                onChange={() => {
                  setShownChoice(value);
                  choose({ period: value });
                }}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        {choice === "custom" && (
          <div className={styles.custom}>
            <DateRange {...custom} onChange={(name, date) => choose({ [name]: date })} />
          </div>
        )}
      </PageHeader>

      {stats.data === undefined ? (
        <ErrorState what="Your figures" error={stats.error} onRetry={() => void stats.refetch()} />
      ) : (
        <Figures stats={stats.data} period={period} stale={stats.isPlaceholderData} />
      )}

      <div className={styles.lower}>
        <section aria-labelledby="latest-heading">
          <div className={styles.sectionHead}>
            <h2 id="latest-heading">Latest payments</h2>
            <Link to="/dashboard/transactions">All transactions</Link>
          </div>
          <LatestPayments />
        </section>
        <section aria-labelledby="credentials-heading">
          <div className={styles.sectionHead}>
            <h2 id="credentials-heading">API credentials</h2>
            <Link to="/dashboard/api-keys">Manage</Link>
          </div>
          <div data-test-id="api-credentials" className={styles.credentials}>
            <div>
              <p className={styles.credentialName}>API Key</p>
              <Credential name="API key" value={merchant.api_key} testId="api-key" />
            </div>
            <div>
              <p className={styles.credentialName}>API Secret</p>
              <Credential name="API secret" value={merchant.api_secret} testId="api-secret" secret />
            </div>
            <p className={styles.note}>
              The key may be seen by your customers. The secret may not: keep it on your server.{" "}
              <Link to="/dashboard/docs">How to use them</Link>
            </p>
          </div>
        </section>
      </div>
    </div>
  );
}

function Figures({ stats, period, stale }: { stats: Stats; period: Period; stale: boolean }) {
  return (
    <>
      <div data-test-id="stats-container" className={styles.figures} data-stale={stale ? "" : undefined}>
        <div className={styles.figure}>
          <p id="figure-transactions">Transactions</p>
          <div data-test-id="total-transactions">
            <GroupedDigits count={stats.total_transactions} />
          </div>
        </div>
        <div className={styles.figure}>
          <p id="figure-amount">Received</p>
          <div data-test-id="total-amount">{formatMoney(stats.total_amount)}</div>
        </div>
        <div className={styles.figure}>
          <p id="figure-rate">Success rate</p>
          <div data-test-id="success-rate">{formatPercent(stats.success_rate)}</div>
        </div>
      </div>
      {stats.total_transactions === 0 ? (
        <div className={styles.noCharts}>
          <EmptyState title="No payments in this period">
            <p>
              Charts appear with the first payment. <Link to="/dashboard/orders?new=order">Create an order</Link> and open
              its checkout link, or follow the <Link to="/dashboard/docs">integration guide</Link>.
            </p>
          </EmptyState>
        </div>
      ) : (
        <Suspense fallback={<Skeleton lines={7} label="Loading charts" />}>
          <Charts stats={stats} period={period} />
        </Suspense>
      )}
    </>
  );
}

/** Grouped by space alone, as the Indian way is: the text stays the bare number, for programs that read the page. */
function GroupedDigits({ count }: { count: number }) {
  return formatCount(count)
    .split(",")
    .map((digits, place) => (
      <span key={place} className={styles.digits}>
        {digits}
      </span>
    ));
}

function LatestPayments() {
  const payments = usePayments({ limit: LATEST_COUNT, offset: 0 });
  if (payments.data === undefined) {
    return payments.error === null ? (
      <Skeleton lines={LATEST_COUNT} label="Loading the latest payments" />
    ) : (
      <ErrorState what="The latest payments" error={payments.error} onRetry={() => void payments.refetch()} />
    );
  }
  if (payments.data.data.length === 0) return <EmptyState title="None yet" />;
  return (
    <ul className={styles.latest}>
      {payments.data.data.map((payment) => (
        <LatestPayment key={payment.id} payment={payment} />
      ))}
    </ul>
  );
}

function LatestPayment({ payment }: { payment: Payment }) {
  return (
    <li>
      <Link to={`/dashboard/transactions?payment=${payment.id}`} className={styles.latestRow}>
        <span className={styles.latestAmount}>{formatMoney(payment.amount, payment.currency)}</span>
        <span className={styles.latestMethod}>{payerText(payment)}</span>
        <Status value={payment.status} />
        <time dateTime={payment.created_at} title={`${formatTimestamp(payment.created_at)} UTC`}>
          {formatRelative(payment.created_at)}
        </time>
      </Link>
    </li>
  );
}
