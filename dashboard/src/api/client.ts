import { queryString, type QueryValue } from "./query-string";

const REQUEST_TIMEOUT_MS = 20_000;

/** Everything that can go wrong with a request, in the API's own words. `status` 0 means that no answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    description: string,
    readonly requestId: string | null = null,
  ) {
    super(description);
  }

  /** The server has decided: sending the same again gives the same. Not so when no answer came or it was overloaded. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

interface RequestOptions {
  query?: Record<string, QueryValue>;
  body?: unknown;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export function apiPath(path: string, query: Record<string, QueryValue> = {}): string {
  return `/api/v1${path}${queryString(query)}`;
}

export async function request<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotencyKey !== undefined) headers["Idempotency-Key"] = options.idempotencyKey;

  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(apiPath(path, options.query), {
      method,
      headers,
      credentials: "same-origin",
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw new ApiError(0, "NETWORK_ERROR", "The gateway could not be reached. Check your connection and try again.");
  }

  const body = parseJson(text);
  if (!response.ok) throw errorFrom(response, body);
  return body as Answer;
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function errorFrom(response: Response, body: unknown): ApiError {
  const requestId = response.headers.get("X-Request-Id");
  if (typeof body === "object" && body !== null && "error" in body) {
    const { error } = body;
    if (typeof error === "object" && error !== null && "code" in error && "description" in error) {
      return new ApiError(response.status, String(error.code), String(error.description), requestId);
    }
  }
  return new ApiError(response.status, "SERVER_ERROR", `The gateway answered with status ${response.status}.`, requestId);
}
