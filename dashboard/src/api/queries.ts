import { keepPreviousData, useMutation, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { request } from "./client";
import type { QueryValue } from "./query-string";
import type {
  Delivery,
  DeliveryDetail,
  GatewayEvent,
  Merchant,
  Order,
  Page,
  Payment,
  Refund,
  Stats,
} from "./types";

// Lists and figures ask again this often while the tab is in view, so that a new payment shows up by itself.
const LIVE_INTERVAL_MS = 4_000;
// Something is wrong: keep trying, but do not add to it.
const TROUBLED_INTERVAL_MS = 15_000;
const MERCHANT_INTERVAL_MS = 30_000;
/** The API's largest page. */
export const MAX_PAGE_SIZE = 100;
/** The API's largest offset; what lies deeper is reached by narrowing the dates. */
export const MAX_OFFSET = 10_000;

type Parameters = Record<string, QueryValue>;

const live = {
  refetchInterval: (query: { state: { status: string } }) =>
    query.state.status === "error" ? TROUBLED_INTERVAL_MS : LIVE_INTERVAL_MS,
};

export function useMerchant(): UseQueryResult<Merchant> {
  return useQuery({
    queryKey: ["merchant"],
    queryFn: ({ signal }) => request<Merchant>("GET", "/merchants/me", { signal }),
    refetchInterval: MERCHANT_INTERVAL_MS,
  });
}

export function useStats(period: { from?: string | undefined; to?: string | undefined }): UseQueryResult<Stats> {
  return useQuery({
    queryKey: ["stats", period],
    queryFn: ({ signal }) => request<Stats>("GET", "/payments/stats", { query: period, signal }),
    placeholderData: keepPreviousData,
    ...live,
  });
}

function useList<Item>(path: string, query: Parameters, enabled = true): UseQueryResult<Page<Item>> {
  return useQuery({
    queryKey: [path, query],
    queryFn: ({ signal }) => request<Page<Item>>("GET", path, { query, signal }),
    placeholderData: keepPreviousData,
    enabled,
    ...live,
  });
}

export const usePayments = (query: Parameters, enabled?: boolean) => useList<Payment>("/payments", query, enabled);
export const useOrders = (query: Parameters) => useList<Order>("/orders", query);
export const useRefunds = (query: Parameters) => useList<Refund>("/refunds", query);
export const useDeliveries = (query: Parameters) => useList<Delivery>("/webhooks", query);

function useOne<Item>(path: string): UseQueryResult<Item> {
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => request<Item>("GET", path, { signal }),
    ...live,
  });
}

export const usePayment = (id: string) => useOne<Payment>(`/payments/${encodeURIComponent(id)}`);
export const useOrder = (id: string) => useOne<Order>(`/orders/${encodeURIComponent(id)}`);
export const useDelivery = (id: string) => useOne<DeliveryDetail>(`/webhooks/${encodeURIComponent(id)}`);
export const usePaymentRefunds = (paymentId: string) =>
  useOne<Page<Refund>>(`/payments/${encodeURIComponent(paymentId)}/refunds?limit=${MAX_PAGE_SIZE}`);
export const usePaymentEvents = (paymentId: string) =>
  useOne<Page<GatewayEvent>>(`/events?payment_id=${encodeURIComponent(paymentId)}&limit=${MAX_PAGE_SIZE}`);
export const usePaymentDeliveries = (paymentId: string) =>
  useOne<Page<Delivery>>(`/webhooks?payment_id=${encodeURIComponent(paymentId)}&limit=${MAX_PAGE_SIZE}`);

/** A mutation after which everything shown is asked for again: money has moved, and it shows in many places. */
function useWrite<Input, Answer>(write: (input: Input) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation<Answer, Error, Input>({
    mutationFn: write,
    onSuccess: () => {
      void client.invalidateQueries();
    },
  });
}

export const useLogin = () =>
  useMutation({
    mutationFn: (input: { email: string; password: string }) =>
      request<Merchant>("POST", "/auth/login", { body: input }),
  });

export const useSignUp = () =>
  useMutation({
    mutationFn: async (input: { name: string; email: string; password: string }) => {
      await request<Merchant>("POST", "/merchants", { body: input });
      return request<Merchant>("POST", "/auth/login", { body: { email: input.email, password: input.password } });
    },
  });

export const useLogout = () => useMutation({ mutationFn: () => request<undefined>("POST", "/auth/logout") });

export function useUpdateMerchant() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changes: Partial<Pick<Merchant, "name" | "webhook_url" | "public_orders_enabled">>) =>
      request<Merchant>("PATCH", "/merchants/me", { body: changes }),
    onSuccess: (merchant) => {
      client.setQueryData(["merchant"], merchant);
    },
  });
}

/** The answer carries only what was renewed; it is shown at once, without another request. */
function useRenew(path: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => request<Partial<Merchant>>("POST", path),
    onSuccess: async (renewed) => {
      await client.cancelQueries({ queryKey: ["merchant"] });
      client.setQueryData<Merchant>(["merchant"], (merchant) => merchant && { ...merchant, ...renewed });
    },
  });
}

export const useRegenerateWebhookSecret = () => useRenew("/merchants/me/webhook-secret");
export const useRotateApiKeys = () => useRenew("/merchants/me/api-keys/rotate");

export const useCreateOrder = () =>
  useWrite(({ idempotencyKey, ...body }: { amount: number; currency: string; receipt?: string; idempotencyKey: string }) =>
    request<Order>("POST", "/orders", { body, idempotencyKey }),
  );

export const useCapture = () =>
  useWrite(({ payment, idempotencyKey }: { payment: Payment; idempotencyKey: string }) =>
    request<Payment>("POST", `/payments/${payment.id}/capture`, { body: { amount: payment.amount }, idempotencyKey }),
  );

export const useRefund = () =>
  useWrite(
    ({ paymentId, idempotencyKey, ...body }: {
      paymentId: string;
      amount: number;
      reason?: string;
      idempotencyKey: string;
    }) => request<Refund>("POST", `/payments/${paymentId}/refunds`, { body, idempotencyKey }),
  );

export const useTestWebhook = () => useWrite(() => request<Delivery>("POST", "/webhooks/test"));

export const useRetryDelivery = () =>
  useWrite((id: string) => request<{ id: string; status: string; message: string }>("POST", `/webhooks/${id}/retry`));

export interface FailedFilter {
  event?: string;
  from?: string;
  to?: string;
}

export const useCountFailed = () =>
  useMutation({
    mutationFn: (filter: FailedFilter) =>
      request<{ count: number }>("POST", "/webhooks/retry-failed", { body: { ...filter, dry_run: true } }),
  });

export const useRetryFailed = () =>
  useWrite((filter: FailedFilter) => request<{ count: number }>("POST", "/webhooks/retry-failed", { body: filter }));

