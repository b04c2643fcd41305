import { Plus } from "lucide-react";
import { useSearchParams } from "react-router";
import { useOrders } from "../../api/queries";
import type { Order } from "../../api/types";
import { Button } from "../../components/button";
import { DateFilters, FilterBar, SearchFilter, SelectFilter } from "../../components/filter-bar";
import { useListState } from "../../components/list-state";
import { Drawer } from "../../components/modal";
import { PageHeader } from "../../components/page-header";
import { EmptyState, ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { AmountText, Cell, IdButton, Pager, Row, Table, TimeText } from "../../components/table";
import { NewOrderDialog } from "./new-order-dialog";
import { OrderDetail } from "./order-detail";

const PAGE_SIZE = 20;
const FILTERS = ["receipt", "status", "from", "to"] as const;
const COLUMNS = ["Order ID", "Amount", "Status", "Receipt", "Created"];

export function OrdersPage() {
  const state = useListState(FILTERS, "order");
  const [parameters, setParameters] = useSearchParams();
  const filters = Object.fromEntries(FILTERS.map((name) => [name, state.filter(name)]));
  const orders = useOrders({ limit: PAGE_SIZE, offset: state.offset, ...filters });

  const setCreating = (creating: boolean, created?: Order): void =>
    setParameters(
      (current) => {
        const next = new URLSearchParams(current);
        if (creating) next.set("new", "order");
        else next.delete("new");
        if (created !== undefined) next.set("order", created.id);
        return next;
      },
      { replace: true },
    );

  return (
    <>
      <PageHeader title="Orders" lead="What your customers are asked to pay. Times are in UTC.">
        <Button look="primary" onClick={() => setCreating(true)}>
          <Plus size={16} aria-hidden="true" />
          New order
        </Button>
      </PageHeader>
      <FilterBar state={state}>
        <SearchFilter state={state} name="receipt" label="Receipt" placeholder="Your receipt number" />
        <SelectFilter state={state} name="status" label="Status" options={["created", "paid"]} />
        <DateFilters state={state} />
      </FilterBar>
      {orders.isPending && <Skeleton lines={10} label="Loading orders" />}
      {orders.isError && orders.data === undefined && (
        <ErrorState what="Orders" error={orders.error} onRetry={() => void orders.refetch()} />
      )}
      {orders.data !== undefined && (
        <>
          <Table
            label="Orders"
            columns={COLUMNS}
            stale={orders.isPlaceholderData}
            isEmpty={orders.data.data.length === 0}
            empty={
              state.isFiltered ? (
                <EmptyState title="Nothing matches">A receipt has to be given in full.</EmptyState>
              ) : (
                <EmptyState title="No orders yet">
                  Your server makes one per purchase. To try it, make one here and open its checkout link.
                </EmptyState>
              )
            }
          >
            {orders.data.data.map((order) => (
              <OrderRow key={order.id} order={order} onOpen={() => state.open(order.id)} />
            ))}
          </Table>
          <Pager total={orders.data.total} offset={state.offset} limit={PAGE_SIZE} onOffset={state.setOffset} />
        </>
      )}
      <Drawer title="Order" open={state.openId !== null} onClose={() => state.open(null)}>
        {state.openId !== null && <OrderDetail key={state.openId} id={state.openId} />}
      </Drawer>
      {parameters.get("new") === "order" && (
        <NewOrderDialog onClose={() => setCreating(false)} onCreated={(order) => setCreating(false, order)} />
      )}
    </>
  );
}

function OrderRow({ order, onOpen }: { order: Order; onOpen: () => void }) {
  return (
    <Row data-order-id={order.id} onOpen={onOpen}>
      <Cell label="Order ID">
        <IdButton onClick={onOpen}>{order.id}</IdButton>
      </Cell>
      <Cell label="Amount">
        <AmountText amount={order.amount} currency={order.currency} />
      </Cell>
      <Cell label="Status">
        <Status value={order.status} />
      </Cell>
      <Cell label="Receipt">{order.receipt ?? "—"}</Cell>
      <Cell label="Created">
        <TimeText value={order.created_at} />
      </Cell>
    </Row>
  );
}
