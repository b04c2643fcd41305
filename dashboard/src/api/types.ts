/** The shapes the API answers with. Amounts are integers in the currency's smallest unit; times are ISO 8601 in UTC. */

export type PaymentMethod = "upi" | "card";
export type PaymentStatus = "pending" | "processing" | "success" | "failed";
export type RefundStatus = "pending" | "processed" | "failed";
export type OrderStatus = "created" | "paid";
export type DeliveryStatus = "pending" | "success" | "failed";

export interface Merchant {
  id: string;
  name: string;
  email: string;
  api_key: string;
  api_secret: string;
  webhook_url: string | null;
  webhook_secret: string;
  public_orders_enabled: boolean;
  is_active: boolean;
  created_at: string;
  updated_at: string;
}

export interface Order {
  id: string;
  amount: number;
  currency: string;
  receipt: string | null;
  notes: Record<string, unknown>;
  status: OrderStatus;
  created_at: string;
  updated_at: string;
}

export interface Payment {
  id: string;
  order_id: string;
  amount: number;
  currency: string;
  method: PaymentMethod;
  status: PaymentStatus;
  captured: boolean;
  error_code: string | null;
  error_description: string | null;
  vpa?: string | null;
  card_network?: string | null;
  card_last4?: string | null;
  created_at: string;
  updated_at: string;
}

export interface Refund {
  id: string;
  payment_id: string;
  amount: number;
  reason: string | null;
  status: RefundStatus;
  created_at: string;
  processed_at: string | null;
}

export interface GatewayEvent {
  id: string;
  event: string;
  created_at: string;
  data: Record<string, unknown>;
}

export interface Delivery {
  id: string;
  event: string;
  status: DeliveryStatus;
  attempts: number;
  created_at: string;
  last_attempt_at: string | null;
  next_retry_at: string | null;
  response_code: number | null;
}

export interface DeliveryAttempt {
  attempt: number;
  attempted_at: string;
  status: "success" | "failed";
  duration_ms: number | null;
  response_code: number | null;
  response_body: string | null;
  error: string | null;
}

export interface DeliveryDetail extends Delivery {
  event_id: string | null;
  payload: Record<string, unknown>;
  response_body: string | null;
  attempts_log: DeliveryAttempt[];
}

export interface DayStats {
  date: string;
  count: number;
  success: number;
  amount: number;
}

export interface MethodStats {
  method: string;
  count: number;
  success: number;
  amount: number;
}

export interface Stats {
  total_transactions: number;
  total_amount: number;
  success_rate: number;
  by_day: DayStats[];
  by_method: MethodStats[];
}

export interface Page<Item> {
  data: Item[];
  total: number;
  limit: number;
  offset: number;
}
