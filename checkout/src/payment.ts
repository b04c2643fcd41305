import { ApiError, createPayment, fetchOrder, fetchPayment, type Order, type Payment } from "./api.ts";
import type { Attempts } from "./attempts.ts";

const POLL_INTERVAL_MS = 2_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 8_000;

/** About a minute of trying; then the customer decides. */
const SEND_TRIES = 10;

/** A longer wait than this is not worth a spinner. */
const RATE_LIMIT_WAIT_MAX_SECONDS = 30;

/** After this long the customer is told that all is well and slow. */
const SLOW_AFTER_MS = 20_000;

/** Tells the customer why it takes longer; an empty note takes the last one away. */
export type Note = (text: string) => void;

/** Waits, but no longer than until the network is back. */
function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    window.addEventListener("online", done);
  });
}

const retryDelayMs = (error: ApiError, tried: number): number =>
  error.retryAfterSeconds === null
    ? Math.min(RETRY_FIRST_MS * 2 ** (tried - 1), RETRY_MAX_MS)
    : Math.max(error.retryAfterSeconds * 1_000, RETRY_FIRST_MS);

function reasonFor(error: ApiError): string {
  if (error.isRateLimited) return "Too many requests just now. Trying again in a moment…";
  if (error.isUnreachable) return "Connection lost. Trying again… Please keep this page open.";
  return "The payment service is busy. Trying again…";
}

const isFinal = (payment: Payment): boolean => payment.status === "success" || payment.status === "failed";

/**
 * Asks for the order until there is an answer that will not change.
 *
 * @throws ApiError when the order is unknown, or the request is refused for good.
 */
export async function loadOrder(orderId: string, note: Note): Promise<Order> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await fetchOrder(orderId);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTransient) throw error;
      note(reasonFor(error));
      await pause(retryDelayMs(error, tried));
    }
  }
}

/**
 * Sends a payment and gives back what the API made of it, still pending.
 *
 * An unknown outcome (no answer, or a server error) is tried again with the same key and the same body, which is safe
 * however far the lost request got.
 *
 * @throws ApiError when the API refuses, or stays out of reach.
 */
export async function sendPayment(body: string, attempts: Attempts, note: Note): Promise<Payment> {
  let { key } = attempts.begin();
  let renewed = false;
  for (let tried = 1; ; tried += 1) {
    try {
      const payment = await createPayment(body, key);
      attempts.becamePayment(payment.id);
      note("");
      return payment;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "IDEMPOTENCY_ERROR" && !renewed) {
        // An earlier attempt did arrive, and the customer has changed the data since: this is another attempt. The API lets
        // at most one payment of an order succeed.
        renewed = true;
        ({ key } = attempts.renew());
        continue;
      }
      const waitTooLong = (error.retryAfterSeconds ?? 0) > RATE_LIMIT_WAIT_MAX_SECONDS;
      if (!error.isTransient || tried >= SEND_TRIES || waitTooLong) throw error;
      note(reasonFor(error));
      await pause(retryDelayMs(error, tried));
    }
  }
}

/**
 * Follows a payment to its end, however long that takes.
 *
 * @throws ApiError when the payment is unknown.
 */
export async function followPayment(
  paymentId: string,
  orderId: string,
  note: Note,
  startDelayMs = POLL_INTERVAL_MS,
): Promise<Payment> {
  const startedAt = Date.now();
  await pause(startDelayMs);
  for (;;) {
    let waitMs = POLL_INTERVAL_MS;
    try {
      const payment = await fetchPayment(paymentId, orderId);
      if (isFinal(payment)) return payment;
      note(Date.now() - startedAt > SLOW_AFTER_MS ? "Your bank takes longer than usual. Please keep this page open." : "");
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTransient) throw error;
      note(reasonFor(error));
      waitMs = Math.max(waitMs, (error.retryAfterSeconds ?? 0) * 1_000);
    }
    await pause(waitMs);
  }
}
