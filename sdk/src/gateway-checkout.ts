import { locateCheckout } from "./location.ts";
import type { PaymentFailure } from "./messages.ts";
import {
  checkAmount,
  checkCommonOptions,
  requireOptions,
  requireText,
  type GatewayCheckoutOptions,
} from "./options.ts";
import { randomToken } from "./random.ts";
import { Session } from "./session.ts";

const TEST_KEY = "key_test_abc123";
const ORDER_TIMEOUT_MS = 15_000;
const ORDER_TRIES = 3;
const RETRY_AFTER_MS = 800;

/** What `GatewayCheckout.open` gives back. */
export interface OpenCheckout {
  /** Takes the modal away. Safe at any moment. */
  close(): void;
}

class OrderRefused extends Error {
  constructor(
    readonly code: string,
    description: string,
  ) {
    super(description);
  }
}

async function readOrderId(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  if (typeof body === "object" && body !== null) {
    if (response.ok && "id" in body && typeof body.id === "string") return body.id;
    if ("error" in body && typeof body.error === "object" && body.error !== null) {
      const { code, description } = body.error as Record<string, unknown>;
      throw new OrderRefused(String(code), String(description));
    }
  }
  throw new OrderRefused("SERVER_ERROR", "The payment could not be started");
}

/** A lost answer is asked for again with the same key, so that one click makes one order. */
async function createOrder(address: URL, options: GatewayCheckoutOptions, closed: AbortSignal): Promise<string> {
  const { amount, currency, receipt, notes, key = TEST_KEY } = options;
  const request = {
    method: "POST",
    mode: "cors",
    credentials: "omit",
    headers: { "Content-Type": "application/json", "X-Api-Key": key, "Idempotency-Key": randomToken() },
    body: JSON.stringify({ amount, currency, receipt, notes }),
  } as const;
  for (let tried = 1; ; tried += 1) {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), ORDER_TIMEOUT_MS);
    const stop = (): void => timeout.abort();
    closed.addEventListener("abort", stop);
    try {
      return await readOrderId(await fetch(address, { ...request, signal: timeout.signal }));
    } catch (error) {
      if (error instanceof OrderRefused) throw error;
      if (tried === ORDER_TRIES || closed.aborted) {
        throw new OrderRefused("NETWORK_ERROR", "The payment service could not be reached");
      }
    } finally {
      clearTimeout(timer);
      closed.removeEventListener("abort", stop);
    }
    await new Promise((resolve) => setTimeout(resolve, tried * RETRY_AFTER_MS));
    if (closed.aborted) throw new OrderRefused("CLOSED", "The payment was closed");
  }
}

/**
 * Creates an order for the amount and takes its payment, without a server of the merchant's own.
 *
 * Anyone who can read the page can change the amount: a shop with a server creates the order there and uses
 * `PaymentGateway`.
 *
 * @throws TypeError that names the option which is missing or wrong.
 */
export function open(options: GatewayCheckoutOptions): OpenCheckout {
  const caller = "GatewayCheckout.open";
  requireOptions(caller, options);
  checkAmount(caller, options.amount);
  if (options.key != null) requireText(caller, options, "key");
  checkCommonOptions(caller, options);
  const { page, orders } = locateCheckout(caller, options.checkoutUrl);

  const closing = new AbortController();
  const session = Session.open(page, {
    ...options,
    onClose: () => {
      closing.abort();
      options.onClose?.();
    },
  });
  if (session === null) return { close: () => undefined };

  createOrder(orders, options, closing.signal).then(
    (orderId) => session.load(orderId, options.method),
    (error: OrderRefused) => {
      const failure: PaymentFailure = {
        paymentId: null,
        orderId: null,
        code: error.code,
        description: error.message,
      };
      session.abandon(failure);
    },
  );
  return { close: () => session.close() };
}

export const GatewayCheckout = { open } as const;
