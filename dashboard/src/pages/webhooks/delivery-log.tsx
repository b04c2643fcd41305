import type { UseQueryResult } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { useCountFailed, useRetryDelivery, useRetryFailed, type FailedFilter } from "../../api/queries";
import type { Delivery, Page } from "../../api/types";
import { Button } from "../../components/button";
import { DateFilters, FilterBar, SelectFilter } from "../../components/filter-bar";
import type { ListState } from "../../components/list-state";
import { ConfirmDialog } from "../../components/modal";
import { EmptyState, ErrorState } from "../../components/states";
import { Status } from "../../components/status";
import { Cell, IdButton, Pager, Row, Table, TimeText } from "../../components/table";
import { notify, notifyError } from "../../components/toasts";
import { formatCount } from "../../format/money";
import { formatRelative, formatTimestamp } from "../../format/dates";
import styles from "./delivery-log.module.css";

export const PAGE_SIZE = 10;
export const DELIVERY_FILTERS = ["event", "status", "from", "to"] as const;
const COLUMNS = ["Event", "Status", "Attempts", "Last Attempt", "Response Code", "Actions"];
const EVENTS = [
  "payment.created",
  "payment.pending",
  "payment.success",
  "payment.failed",
  "refund.created",
  "refund.processed",
  "refund.failed",
  "webhook.test",
];

interface DeliveryLogProps {
  deliveries: UseQueryResult<Page<Delivery>>;
  state: ListState;
  onOpen: (delivery: Delivery) => void;
}

export function DeliveryLog({ deliveries, state, onOpen }: DeliveryLogProps) {
  return (
    <section aria-labelledby="logs-heading" className={styles.log}>
      <div className={styles.head}>
        <h2 id="logs-heading">Webhook Logs</h2>
        <RetryFailed filter={failedFilter(state)} />
      </div>
      <FilterBar state={state}>
        <SelectFilter state={state} name="event" label="Event" options={EVENTS} />
        <SelectFilter state={state} name="status" label="Status" options={["pending", "success", "failed"]} />
        <DateFilters state={state} />
      </FilterBar>
      {deliveries.data === undefined ? (
        deliveries.error !== null && (
          <ErrorState what="Webhook logs" error={deliveries.error} onRetry={() => void deliveries.refetch()} />
        )
      ) : (
        <>
          <Table
            data-test-id="webhook-logs-table"
            label="Webhook logs"
            columns={COLUMNS}
            stale={deliveries.isPlaceholderData}
            isEmpty={deliveries.data.data.length === 0}
            empty={
              state.isFiltered ? (
                <EmptyState title="Nothing matches">Try another event or clear the filters.</EmptyState>
              ) : (
                <EmptyState title="Nothing sent yet">
                  Save a URL above and send a test webhook: the request and your server’s answer show up here.
                </EmptyState>
              )
            }
          >
            {deliveries.data.data.map((delivery) => (
              <DeliveryRow key={delivery.id} delivery={delivery} onOpen={() => onOpen(delivery)} />
            ))}
          </Table>
          <Pager total={deliveries.data.total} offset={state.offset} limit={PAGE_SIZE} onOffset={state.setOffset} />
        </>
      )}
    </section>
  );
}

function DeliveryRow({ delivery, onOpen }: { delivery: Delivery; onOpen: () => void }) {
  const retry = useRetryDelivery();
  return (
    <Row data-test-id="webhook-log-item" data-webhook-id={delivery.id} onOpen={onOpen}>
      <Cell testId="webhook-event" label="Event">
        <IdButton aria-label={`${delivery.event}, details`} onClick={onOpen}>
          {delivery.event}
        </IdButton>
      </Cell>
      <Cell
        testId="webhook-status"
        label="Status"
        title={
          delivery.next_retry_at === null
            ? undefined
            : `Next attempt ${formatTimestamp(delivery.next_retry_at)} UTC, ${formatRelative(delivery.next_retry_at)}`
        }
      >
        <Status value={delivery.status} />
      </Cell>
      <Cell testId="webhook-attempts" label="Attempts">
        {delivery.attempts}
      </Cell>
      <Cell testId="webhook-last-attempt" label="Last attempt">
        <TimeText value={delivery.last_attempt_at} />
      </Cell>
      <Cell testId="webhook-response-code" label="Response code">
        {delivery.response_code ?? "—"}
      </Cell>
      <Cell align="end">
        <Button
          small
          data-test-id="retry-webhook-button"
          data-webhook-id={delivery.id}
          busy={retry.isPending}
          onClick={() =>
            retry.mutate(delivery.id, {
              onSuccess: (answer) => notify(answer.message, { detail: delivery.event }),
              onError: (error) => notifyError("The retry was not scheduled", error),
            })
          }
        >
          Retry
        </Button>
      </Cell>
    </Row>
  );
}

/** First asks how many there are, then for a yes: hundreds of requests to a server are not sent by a slip. */
function RetryFailed({ filter }: { filter: FailedFilter }) {
  const count = useCountFailed();
  const retry = useRetryFailed();
  const [found, setFound] = useState<number | null>(null);
  const narrowed = Object.keys(filter).length > 0;

  const ask = (): void =>
    count.mutate(filter, {
      onSuccess: (answer) => {
        if (answer.count === 0) notify(narrowed ? "No failed webhooks match the filters" : "No failed webhooks");
        else setFound(answer.count);
      },
      onError: (error) => notifyError("The failed webhooks could not be counted", error),
    });
  const confirm = (): void =>
    retry.mutate(filter, {
      onSuccess: (answer) => {
        setFound(null);
        notify(`${formatCount(answer.count)} ${answer.count === 1 ? "retry" : "retries"} scheduled`);
      },
      onError: (error) => {
        setFound(null);
        notifyError("The retries were not scheduled", error);
      },
    });
  const what = `${formatCount(found ?? 0)} failed ${found === 1 ? "webhook" : "webhooks"}`;
  return (
    <>
      <Button small busy={count.isPending} onClick={ask}>
        <RotateCw size={14} aria-hidden="true" />
        Retry all failed
      </Button>
      <ConfirmDialog
        title={`Retry ${what}?`}
        open={found !== null}
        onClose={() => setFound(null)}
        confirmLabel={`Retry ${what}`}
        busy={retry.isPending}
        onConfirm={confirm}
      >
        <p>
          Each is sent again to your present URL, with up to five attempts
          {narrowed ? ". Only those that the event and date filters show are meant." : "."}
        </p>
      </ConfirmDialog>
    </>
  );
}

function failedFilter(state: ListState): FailedFilter {
  const filter: FailedFilter = {};
  for (const name of ["event", "from", "to"] as const) {
    if (state.filter(name) !== "") filter[name] = state.filter(name);
  }
  return filter;
}
