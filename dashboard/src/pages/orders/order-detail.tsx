import { ExternalLink } from "lucide-react";
import { Link } from "react-router";
import { useAddresses } from "../../api/addresses";
import { MAX_PAGE_SIZE, useOrder, usePayments } from "../../api/queries";
import type { Order } from "../../api/types";
import { CopyButton } from "../../components/copy-button";
import { DrawerSection, Facts, Json, Mono } from "../../components/facts";
import { payerText } from "../../components/payment-words";
import { ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { TimeText } from "../../components/table";
import { formatMoney, formatSmallestUnit } from "../../format/money";
import styles from "./order-detail.module.css";

export function OrderDetail({ id }: { id: string }) {
  const order = useOrder(id);
  if (order.data === undefined) {
    return order.error === null ? (
      <Skeleton lines={8} label="Loading the order" />
    ) : (
      <ErrorState what="The order" error={order.error} onRetry={() => void order.refetch()} />
    );
  }
  return <LoadedOrder order={order.data} />;
}

function LoadedOrder({ order }: { order: Order }) {
  const { checkout } = useAddresses();
  const link = `${checkout}/checkout?order_id=${order.id}`;
  return (
    <>
      <div className={styles.head}>
        <p className={styles.amount}>{formatMoney(order.amount, order.currency)}</p>
        <Status value={order.status} />
      </div>
      {order.status === "created" && (
        <div className={styles.link}>
          <p>Checkout link</p>
          <div>
            <a href={link} target="_blank" rel="noreferrer">
              {link} <ExternalLink size={13} aria-label="opens in a new tab" />
            </a>
            <CopyButton text={link} label="checkout link" />
          </div>
        </div>
      )}
      <Facts
        facts={[
          [
            "Order ID",
            <>
              <Mono>{order.id}</Mono>
              <CopyButton text={order.id} label="order ID" />
            </>,
          ],
          ["Receipt", order.receipt],
          ["In the API", formatSmallestUnit(order.amount, order.currency)],
          ["Created (UTC)", <TimeText value={order.created_at} />],
          ["Changed (UTC)", <TimeText value={order.updated_at} />],
        ]}
      />
      <DrawerSection title="Payments">
        <OrderPayments orderId={order.id} />
      </DrawerSection>
      {Object.keys(order.notes).length > 0 && (
        <DrawerSection title="Notes">
          <Json value={order.notes} label="Notes" />
        </DrawerSection>
      )}
    </>
  );
}

function OrderPayments({ orderId }: { orderId: string }) {
  const payments = usePayments({ order_id: orderId, limit: MAX_PAGE_SIZE, offset: 0 });
  if (payments.data === undefined) {
    return payments.error === null ? (
      <Skeleton lines={2} label="Loading payments" />
    ) : (
      <ErrorState what="Payments" error={payments.error} onRetry={() => void payments.refetch()} />
    );
  }
  if (payments.data.data.length === 0) return <p className={styles.none}>Nobody has tried to pay it yet.</p>;
  return (
    <ul className={styles.payments}>
      {payments.data.data.map((payment) => (
        <li key={payment.id}>
          <Link to={`/dashboard/transactions?payment=${payment.id}`}>
            <Mono>{payment.id}</Mono>
          </Link>
          <span>{payerText(payment)}</span>
          <Status value={payment.status} />
        </li>
      ))}
    </ul>
  );
}
