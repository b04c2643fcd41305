import { Menu } from "@base-ui/react/menu";
import { Download, MoreHorizontal } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { apiPath } from "../../api/client";
import { usePayments } from "../../api/queries";
import type { Payment } from "../../api/types";
import { buttonClass } from "../../components/button";
import { DateFilters, FilterBar, SearchFilter, SelectFilter } from "../../components/filter-bar";
import { useListState } from "../../components/list-state";
import { Drawer } from "../../components/modal";
import { PageHeader } from "../../components/page-header";
import { canCapture } from "../../components/payment-words";
import { EmptyState, ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { AmountText, Cell, IdButton, Pager, Row, Table, TimeText } from "../../components/table";
import { CaptureDialog } from "./capture-dialog";
import { PaymentDetail } from "./payment-detail";
import { RefundDialog } from "./refund-dialog";
import styles from "./transactions-page.module.css";

const PAGE_SIZE = 20;
const FILTERS = ["q", "status", "method", "from", "to"] as const;
const COLUMNS = ["Payment ID", "Order ID", "Amount", "Method", "Status", "Created", "Actions"];

type Asked = { what: "capture" | "refund"; payment: Payment } | null;

export function TransactionsPage() {
  const state = useListState(FILTERS, "payment");
  const filters = Object.fromEntries(FILTERS.map((name) => [name, state.filter(name)]));
  const payments = usePayments({ limit: PAGE_SIZE, offset: state.offset, ...filters });
  const [asked, setAsked] = useState<Asked>(null);
  const ask = (what: "capture" | "refund", payment: Payment): void => setAsked({ what, payment });

  return (
    <>
      <PageHeader title="Transactions" lead="Every attempt to pay one of your orders. Times are in UTC.">
        <a href={apiPath("/payments/export", filters)} download="payments.csv" className={buttonClass()}>
          <Download size={16} aria-hidden="true" />
          Export CSV
        </a>
      </PageHeader>
      <FilterBar state={state}>
        <SearchFilter state={state} name="q" label="Search" placeholder="Payment ID, order ID or UPI ID" />
        <SelectFilter state={state} name="status" label="Status" options={["pending", "success", "failed"]} />
        <SelectFilter state={state} name="method" label="Method" options={["upi", "card"]} />
        <DateFilters state={state} />
      </FilterBar>

      {payments.isPending && <Skeleton lines={10} label="Loading transactions" />}
      {payments.isError && payments.data === undefined && (
        <ErrorState what="Transactions" error={payments.error} onRetry={() => void payments.refetch()} />
      )}
      {payments.data !== undefined && (
        <>
          <Table
            data-test-id="transactions-table"
            label="Transactions"
            columns={COLUMNS}
            stale={payments.isPlaceholderData}
            isEmpty={payments.data.data.length === 0}
            empty={<NoTransactions filtered={state.isFiltered} />}
          >
            {payments.data.data.map((payment) => (
              <PaymentRow key={payment.id} payment={payment} onOpen={() => state.open(payment.id)} onAsk={ask} />
            ))}
          </Table>
          <Pager
            total={payments.data.total}
            offset={state.offset}
            limit={PAGE_SIZE}
            onOffset={state.setOffset}
          />
        </>
      )}

      <Drawer title="Payment" open={state.openId !== null} onClose={() => state.open(null)}>
        {state.openId !== null && <PaymentDetail key={state.openId} id={state.openId} onAsk={ask} />}
      </Drawer>
      {asked?.what === "capture" && <CaptureDialog payment={asked.payment} onClose={() => setAsked(null)} />}
      {asked?.what === "refund" && <RefundDialog payment={asked.payment} onClose={() => setAsked(null)} />}
    </>
  );
}

interface PaymentRowProps {
  payment: Payment;
  onOpen: () => void;
  onAsk: (what: "capture" | "refund", payment: Payment) => void;
}

function PaymentRow({ payment, onOpen, onAsk }: PaymentRowProps) {
  return (
    <Row data-test-id="transaction-row" data-payment-id={payment.id} onOpen={onOpen}>
      <Cell testId="payment-id" label="Payment ID">
        <IdButton onClick={onOpen}>{payment.id}</IdButton>
      </Cell>
      <Cell testId="order-id" label="Order ID">
        <Link to={`/dashboard/orders?order=${payment.order_id}`} className={styles.orderLink}>
          {payment.order_id}
        </Link>
      </Cell>
      <Cell testId="amount" label="Amount">
        <AmountText amount={payment.amount} currency={payment.currency} />
      </Cell>
      <Cell testId="method" label="Method">
        {payment.method}
      </Cell>
      <Cell testId="status" label="Status">
        <Status value={payment.status} />
      </Cell>
      <Cell testId="created-at" label="Created">
        <TimeText value={payment.created_at} />
      </Cell>
      <Cell align="end" className={styles.menuCell}>
        <Menu.Root modal={false}>
          <Menu.Trigger className={styles.menuTrigger} aria-label={`Actions for ${payment.id}`}>
            <MoreHorizontal size={18} aria-hidden="true" />
          </Menu.Trigger>
          <Menu.Portal>
            <Menu.Positioner align="end" sideOffset={4} className={styles.menuPositioner}>
              <Menu.Popup className={styles.menu}>
                <Menu.Item className={styles.menuItem} onClick={onOpen}>
                  View details
                </Menu.Item>
                <Menu.Item
                  className={styles.menuItem}
                  disabled={!canCapture(payment)}
                  onClick={() => onAsk("capture", payment)}
                >
                  {payment.captured ? "Captured" : "Capture"}
                </Menu.Item>
                <Menu.Item
                  className={styles.menuItem}
                  disabled={payment.status !== "success"}
                  onClick={() => onAsk("refund", payment)}
                >
                  Refund…
                </Menu.Item>
              </Menu.Popup>
            </Menu.Positioner>
          </Menu.Portal>
        </Menu.Root>
      </Cell>
    </Row>
  );
}

function NoTransactions({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <EmptyState title="Nothing matches">Try another search or clear the filters.</EmptyState>
  ) : (
    <EmptyState title="No payments yet">
      Payments show up here the moment a customer tries to pay. <Link to="/dashboard/docs">Take your first one</Link>
    </EmptyState>
  );
}
