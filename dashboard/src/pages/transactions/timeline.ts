import type { Delivery, GatewayEvent } from "../../api/types";

const EVENT_TITLES: Record<string, string> = {
  "payment.created": "Payment created",
  "payment.pending": "Waiting for the bank",
  "payment.success": "Payment succeeded",
  "payment.failed": "Payment failed",
  "payment.captured": "Payment captured",
  "refund.created": "Refund started",
  "refund.processed": "Refund paid out",
  "refund.failed": "Refund failed",
};

export type TimelineEntry =
  | { kind: "event"; key: string; time: string; title: string; detail: string }
  | { kind: "webhook"; key: string; time: string; title: string; detail: string; status: string; deliveryId: string };

/** What happened to a payment and whom it was told to, the latest first. */
export function timeline(events: readonly GatewayEvent[], deliveries: readonly Delivery[]): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    ...events.map((event) => ({
      kind: "event" as const,
      key: event.id,
      time: event.created_at,
      title: EVENT_TITLES[event.event] ?? event.event,
      detail: event.event,
    })),
    ...deliveries.map((delivery) => ({
      kind: "webhook" as const,
      key: delivery.id,
      time: delivery.last_attempt_at ?? delivery.created_at,
      title: `Webhook ${delivery.event}`,
      detail: deliveryDetail(delivery),
      status: delivery.status,
      deliveryId: delivery.id,
    })),
  ];
  // Sorting is stable: what shares a second keeps the API's own order, newest first, and an event its webhook above it.
  return entries.sort(
    (one, other) => other.time.localeCompare(one.time) || rank(one) - rank(other),
  );
}

function rank(entry: TimelineEntry): number {
  return entry.kind === "webhook" ? 0 : 1;
}

function deliveryDetail(delivery: Delivery): string {
  const attempts = `${delivery.attempts} ${delivery.attempts === 1 ? "attempt" : "attempts"}`;
  if (delivery.attempts === 0) return "not sent yet";
  return delivery.response_code === null ? `${attempts}, no answer` : `${attempts}, answered ${delivery.response_code}`;
}
