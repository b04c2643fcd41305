/** The public endpoints of the API, on the page's own origin. */

export interface Order {
  id: string;
  amount: number;
  currency: string;
  status: string;
  merchant_name?: string;
}

export interface Payment {
  id: string;
  order_id: string;
  amount: number;
  currency: string;
  method: string;
  status: string;
  error_code: string | null;
  error_description: string | null;
}

export type PaymentDetails =
  | { method: "upi"; vpa: string }
  | {
      method: "card";
      card: { number: string; expiry_month: string; expiry_year: string; cvv: string; holder_name: string };
    };

export type PaymentRequest = { order_id: string; amount: number; currency: string } & PaymentDetails;

const TIMEOUT_MS = 15_000;

/** Any answer but the wanted one, and no answer at all (`status` 0, `NETWORK_ERROR`). */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    description: string,
    /** What the server asked for by `Retry-After`. */
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(description);
  }

  get isUnreachable(): boolean {
    return this.status === 0;
  }

  get isRateLimited(): boolean {
    return this.status === 429;
  }

  /** The same request may well succeed later. */
  get isTransient(): boolean {
    return this.isUnreachable || this.isRateLimited || this.status >= 500;
  }
}

const unreachable = (): ApiError => new ApiError(0, "NETWORK_ERROR", "The payment service cannot be reached.");

function refusal(response: Response, body: unknown): ApiError {
  const error = (body as { error?: { code?: unknown; description?: unknown } } | null)?.error;
  const code = typeof error?.code === "string" ? error.code : "SERVER_ERROR";
  const description = typeof error?.description === "string" ? error.description : "The payment service has a problem.";
  const retryAfterSeconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ApiError(response.status, code, description, Number.isNaN(retryAfterSeconds) ? null : retryAfterSeconds);
}

async function request<Body>(path: string, init: RequestInit = {}): Promise<Body> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`/api/v1${path}`, { ...init, credentials: "omit", cache: "no-store", signal: timeout.signal });
    const text = await response.text();
    body = parseJson(text);
  } catch {
    // fetch says "no connection", "refused" and "timed out" alike with errors that differ from browser to browser.
    throw unreachable();
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw refusal(response, body);
  // A captive portal of a hotel or a train answers 200 with a page of its own.
  if (typeof body !== "object" || body === null) throw unreachable();
  return body as Body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const fetchOrder = (id: string): Promise<Order> => request(`/orders/${encodeURIComponent(id)}/public`);

/** A payment of another order, which only a forged address could name, is as good as unknown. */
export async function fetchPayment(id: string, orderId: string): Promise<Payment> {
  const payment = await request<Payment>(`/payments/${encodeURIComponent(id)}/public`);
  if (payment.order_id !== orderId) throw new ApiError(404, "NOT_FOUND_ERROR", "Payment not found");
  return payment;
}

/** `body` is the exact text, since a repetition under the same key must be the same. */
export const createPayment = (body: string, idempotencyKey: string): Promise<Payment> =>
  request("/payments/public", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
    body,
  });
