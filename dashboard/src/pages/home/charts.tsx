import type { MethodStats, Stats } from "../../api/types";
import { formatCount, formatMoney, formatMoneyShort, formatPercent } from "../../format/money";
import { bucketDays, type Bucket } from "./buckets";
import styles from "./charts.module.css";
import type { Period } from "./period";
import { TimeChart, type Point } from "./time-chart";

const METHOD_NAMES: Record<string, string> = { upi: "UPI", card: "Cards" };

export function Charts({ stats, period }: { stats: Stats; period: Period }) {
  const buckets = bucketDays(stats.by_day, period, new Date());
  const best = buckets.reduce<Bucket | undefined>(
    (top, bucket) => (top === undefined || bucket.amount > top.amount ? bucket : top),
    undefined,
  );
  return (
    <div className={styles.charts}>
      <div className={styles.wide}>
        <TimeChart
          title="Volume"
          kind="bars"
          height={250}
          points={buckets.map(volumePoint)}
          summary={best === undefined ? "" : `Best: ${formatMoney(best.amount)}, ${best.label}`}
          valueName="Received"
          formatTick={formatMoneyShort}
        />
      </div>
      <TimeChart
        title="Success rate"
        kind="line"
        height={190}
        max={100}
        points={buckets.map(ratePoint)}
        summary={`${formatPercent(stats.success_rate)} overall`}
        valueName="Successful"
        formatTick={(value) => `${value}%`}
      />
      <MethodChart methods={stats.by_method} />
    </div>
  );
}

function volumePoint(bucket: Bucket): Point {
  return {
    key: bucket.date,
    label: bucket.label,
    value: bucket.amount,
    detail: `${formatMoney(bucket.amount)} from ${formatCount(bucket.success)} of ${formatCount(bucket.count)} payments`,
  };
}

function ratePoint(bucket: Bucket): Point {
  const rate = bucket.count === 0 ? null : (bucket.success / bucket.count) * 100;
  return {
    key: bucket.date,
    label: bucket.label,
    value: rate,
    detail: rate === null ? "no payments" : `${formatPercent(rate)} of ${formatCount(bucket.count)} payments`,
  };
}

/** Each method's share of what was received, as one divided bar and a line of figures per method. */
function MethodChart({ methods }: { methods: MethodStats[] }) {
  const total = methods.reduce((sum, method) => sum + method.amount, 0);
  const sorted = methods.toSorted((one, other) => other.amount - one.amount);
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <h2>By method</h2>
        <p className={styles.reading}>Share of what was received</p>
      </figcaption>
      <div className={styles.split} aria-hidden="true">
        {sorted.map((method) => (
          <span key={method.method} data-method={method.method} style={{ flexGrow: method.amount }} />
        ))}
      </div>
      <table className={styles.methods}>
        <thead>
          <tr>
            <th scope="col">Method</th>
            <th scope="col">Share</th>
            <th scope="col">Received</th>
            <th scope="col">Payments</th>
            <th scope="col">Success</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((method) => (
            <tr key={method.method}>
              <th scope="row" data-method={method.method}>
                {METHOD_NAMES[method.method] ?? method.method}
              </th>
              <td>{total === 0 ? "—" : `${Math.round((method.amount / total) * 100)}%`}</td>
              <td>{formatMoney(method.amount)}</td>
              <td>{formatCount(method.count)}</td>
              <td>{method.count === 0 ? "—" : `${Math.round((method.success / method.count) * 100)}%`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
