import { Link } from "react-router";
import { usePayment, usePaymentDeliveries, usePaymentEvents, usePaymentRefunds } from "../../api/queries";
import type { Payment } from "../../api/types";
import { Button } from "../../components/button";
import { CopyButton } from "../../components/copy-button";
import { DrawerSection, Facts, Mono } from "../../components/facts";
import { canCapture, payerText } from "../../components/payment-words";
import { ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { TimeText } from "../../components/table";
import { formatMoney, formatSmallestUnit } from "../../format/money";
import styles from "./payment-detail.module.css";
import { refundableAmount } from "./refundable";
import { timeline } from "./timeline";

interface PaymentDetailProps {
  id: string;
  onAsk: (what: "capture" | "refund", payment: Payment) => void;
}

export function PaymentDetail({ id, onAsk }: PaymentDetailProps) {
  const payment = usePayment(id);
  if (payment.data === undefined) {
    return payment.error === null ? (
      <Skeleton lines={8} label="Loading the payment" />
    ) : (
      <ErrorState what="The payment" error={payment.error} onRetry={() => void payment.refetch()} />
    );
  }
  return <LoadedPayment payment={payment.data} onAsk={onAsk} />;
}

function LoadedPayment({ payment, onAsk }: { payment: Payment; onAsk: PaymentDetailProps["onAsk"] }) {
  const refunds = usePaymentRefunds(payment.id);
  const refundable = refunds.data === undefined ? 0 : refundableAmount(payment, refunds.data.data);
  return (
    <>
      <div className={styles.head}>
        <p className={styles.amount}>{formatMoney(payment.amount, payment.currency)}</p>
        <Status value={payment.status} />
        {payment.captured && <Status value="captured" />}
      </div>
      {payment.error_description && (
        <p className={styles.failure}>
          {payment.error_description} <Mono>{payment.error_code}</Mono>
        </p>
      )}
      {payment.status === "success" && (
        <div className={styles.actions}>
          <Button look="primary" disabled={!canCapture(payment)} onClick={() => onAsk("capture", payment)}>
            {payment.captured ? "Captured" : "Capture"}
          </Button>
          <Button disabled={refundable <= 0} onClick={() => onAsk("refund", payment)}>
            {refunds.data !== undefined && refundable <= 0 ? "Refunded in full" : "Refund…"}
          </Button>
        </div>
      )}
      <Facts
        facts={[
          [
            "Payment ID",
            <>
              <Mono>{payment.id}</Mono>
              <CopyButton text={payment.id} label="payment ID" />
            </>,
          ],
          ["Order", <Link to={`/dashboard/orders?order=${payment.order_id}`}><Mono>{payment.order_id}</Mono></Link>],
          ["Paid with", payerText(payment)],
          ["In the API", formatSmallestUnit(payment.amount, payment.currency)],
          ["Created (UTC)", <TimeText value={payment.created_at} />],
        ]}
      />
      <Refunds payment={payment} />
      <Timeline payment={payment} />
    </>
  );
}

function Refunds({ payment }: { payment: Payment }) {
  const refunds = usePaymentRefunds(payment.id);
  if (payment.status !== "success") return null;
  return (
    <DrawerSection title="Refunds">
      {refunds.data === undefined ? (
        refunds.error === null ? (
          <Skeleton lines={2} label="Loading refunds" />
        ) : (
          <ErrorState what="Refunds" error={refunds.error} onRetry={() => void refunds.refetch()} />
        )
      ) : refunds.data.data.length === 0 ? (
        <p className={styles.none}>None</p>
      ) : (
        <ul className={styles.refunds}>
          {refunds.data.data.map((refund) => (
            <li key={refund.id}>
              <span className={styles.refundAmount}>{formatMoney(refund.amount, payment.currency)}</span>
              <Status value={refund.status} />
              <TimeText value={refund.created_at} />
              <span className={styles.reason}>
                <Mono>{refund.id}</Mono>
                {refund.reason && <> · {refund.reason}</>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </DrawerSection>
  );
}

function Timeline({ payment }: { payment: Payment }) {
  const events = usePaymentEvents(payment.id);
  const deliveries = usePaymentDeliveries(payment.id);
  const error = events.error ?? deliveries.error;
  const retry = (): void => {
    void events.refetch();
    void deliveries.refetch();
  };
  return (
    <DrawerSection title="Timeline">
      {events.data === undefined || deliveries.data === undefined ? (
        error === null ? (
          <Skeleton lines={5} label="Loading the timeline" />
        ) : (
          <ErrorState what="The timeline" error={error} onRetry={retry} />
        )
      ) : (
        <ol className={styles.timeline}>
          {timeline(events.data.data, deliveries.data.data).map((entry) => (
            <li key={entry.key} data-kind={entry.kind}>
              <p className={styles.entryTitle}>
                {entry.kind === "webhook" ? (
                  <Link to={`/dashboard/webhooks?delivery=${entry.deliveryId}`}>{entry.title}</Link>
                ) : (
                  entry.title
                )}
                {entry.kind === "webhook" && <Status value={entry.status} />}
              </p>
              <p className={styles.entryDetail}>
                <TimeText value={entry.time} /> · {entry.detail}
              </p>
            </li>
          ))}
        </ol>
      )}
    </DrawerSection>
  );
}
