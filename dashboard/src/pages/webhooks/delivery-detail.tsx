import { useDelivery, useRetryDelivery } from "../../api/queries";
import type { DeliveryAttempt, DeliveryDetail } from "../../api/types";
import { Button } from "../../components/button";
import { CopyButton } from "../../components/copy-button";
import { DrawerSection, Facts, Json, Mono, RawText } from "../../components/facts";
import { ErrorState, Skeleton } from "../../components/states";
import { Status } from "../../components/status";
import { TimeText } from "../../components/table";
import { notify, notifyError } from "../../components/toasts";
import { formatRelative } from "../../format/dates";
import styles from "./delivery-detail.module.css";

export function DeliveryDetailPanel({ id }: { id: string }) {
  const delivery = useDelivery(id);
  if (delivery.data === undefined) {
    return delivery.error === null ? (
      <Skeleton lines={8} label="Loading the delivery" />
    ) : (
      <ErrorState what="The delivery" error={delivery.error} onRetry={() => void delivery.refetch()} />
    );
  }
  return <LoadedDelivery delivery={delivery.data} />;
}

function LoadedDelivery({ delivery }: { delivery: DeliveryDetail }) {
  const retry = useRetryDelivery();
  return (
    <>
      <div className={styles.head}>
        <p className={styles.event}>{delivery.event}</p>
        <Status value={delivery.status} />
      </div>
      <Facts
        facts={[
          [
            "Webhook ID",
            <>
              <Mono>{delivery.id}</Mono>
              <CopyButton text={delivery.id} label="webhook ID" />
            </>,
          ],
          ["Event ID", delivery.event_id === null ? null : <Mono>{delivery.event_id}</Mono>],
          ["Created (UTC)", <TimeText value={delivery.created_at} />],
          [
            "Next attempt",
            delivery.next_retry_at === null ? null : (
              <>
                <TimeText value={delivery.next_retry_at} /> ({formatRelative(delivery.next_retry_at)})
              </>
            ),
          ],
        ]}
      />
      <div className={styles.actions}>
        <Button
          busy={retry.isPending}
          onClick={() =>
            retry.mutate(delivery.id, {
              onSuccess: (answer) => notify(answer.message),
              onError: (error) => notifyError("The retry was not scheduled", error),
            })
          }
        >
          Send again now
        </Button>
      </div>
      <DrawerSection title="Attempts">
        {delivery.attempts_log.length === 0 ? (
          <p className={styles.none}>Not sent yet</p>
        ) : (
          <ol className={styles.attempts}>
            {delivery.attempts_log.toReversed().map((attempt) => (
              <Attempt key={`${attempt.attempted_at} ${attempt.attempt}`} attempt={attempt} />
            ))}
          </ol>
        )}
      </DrawerSection>
      <DrawerSection title="Payload">
        <Json value={delivery.payload} label="Payload" />
      </DrawerSection>
    </>
  );
}

function Attempt({ attempt }: { attempt: DeliveryAttempt }) {
  return (
    <li>
      <div className={styles.attemptHead}>
        <strong>Attempt {attempt.attempt}</strong>
        <Status value={attempt.status} />
        <span className={styles.code}>
          {attempt.response_code ?? "no answer"}
          {attempt.duration_ms !== null && ` in ${attempt.duration_ms} ms`}
        </span>
        <TimeText value={attempt.attempted_at} />
      </div>
      {attempt.error !== null && <p className={styles.error}>{attempt.error}</p>}
      {attempt.response_body !== null && attempt.response_body !== "" && (
        <details>
          <summary>Response</summary>
          <RawText value={attempt.response_body} label={`Response to attempt ${attempt.attempt}`} />
        </details>
      )}
    </li>
  );
}
