import { Link } from "react-router";
import { useRefunds } from "../../api/queries";
import type { Refund } from "../../api/types";
import { DateFilters, FilterBar, SearchFilter, SelectFilter } from "../../components/filter-bar";
import { Mono } from "../../components/facts";
import { useListState } from "../../components/list-state";
import { PageHeader } from "../../components/page-header";
import { EmptyState, ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { AmountText, Cell, Pager, Row, Table, TimeText } from "../../components/table";

const PAGE_SIZE = 20;
const FILTERS = ["payment_id", "status", "from", "to"] as const;
const COLUMNS = ["Refund ID", "Payment ID", "Amount", "Status", "Reason", "Created", "Processed"];

export function RefundsPage() {
  const state = useListState(FILTERS, "refund");
  const filters = Object.fromEntries(FILTERS.map((name) => [name, state.filter(name)]));
  const refunds = useRefunds({ limit: PAGE_SIZE, offset: state.offset, ...filters });

  return (
    <>
      <PageHeader
        title="Refunds"
        lead={
          <>
            Money on its way back. Start one from a payment under <Link to="/dashboard/transactions">Transactions</Link>.
            Times are in UTC.
          </>
        }
      />
      <FilterBar state={state}>
        <SearchFilter state={state} name="payment_id" label="Payment" placeholder="Payment ID" />
        <SelectFilter state={state} name="status" label="Status" options={["pending", "processed", "failed"]} />
        <DateFilters state={state} />
      </FilterBar>
      {refunds.isPending && <Skeleton lines={8} label="Loading refunds" />}
      {refunds.isError && refunds.data === undefined && (
        <ErrorState what="Refunds" error={refunds.error} onRetry={() => void refunds.refetch()} />
      )}
      {refunds.data !== undefined && (
        <>
          <Table
            label="Refunds"
            columns={COLUMNS}
            stale={refunds.isPlaceholderData}
            isEmpty={refunds.data.data.length === 0}
            empty={
              state.isFiltered ? (
                <EmptyState title="Nothing matches">A payment ID has to be given in full.</EmptyState>
              ) : (
                <EmptyState title="No refunds yet">Every refund that you start is followed here until it is paid out.</EmptyState>
              )
            }
          >
            {refunds.data.data.map((refund) => (
              <RefundRow key={refund.id} refund={refund} />
            ))}
          </Table>
          <Pager total={refunds.data.total} offset={state.offset} limit={PAGE_SIZE} onOffset={state.setOffset} />
        </>
      )}
    </>
  );
}

function RefundRow({ refund }: { refund: Refund }) {
  return (
    <Row data-refund-id={refund.id}>
      <Cell label="Refund ID">
        <Mono>{refund.id}</Mono>
      </Cell>
      <Cell label="Payment ID">
        <Link to={`/dashboard/transactions?payment=${refund.payment_id}`}>
          <Mono>{refund.payment_id}</Mono>
        </Link>
      </Cell>
      <Cell label="Amount">
        <AmountText amount={refund.amount} currency="INR" />
      </Cell>
      <Cell label="Status">
        <Status value={refund.status} />
      </Cell>
      <Cell label="Reason">{refund.reason ?? "—"}</Cell>
      <Cell label="Created">
        <TimeText value={refund.created_at} />
      </Cell>
      <Cell label="Processed">
        <TimeText value={refund.processed_at} />
      </Cell>
    </Row>
  );
}
