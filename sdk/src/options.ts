import type { PaymentFailure, PaymentSuccess } from "./messages.ts";

/** What `onSuccess` gets; `id` is the same as `paymentId`. */
export interface PaymentResult extends PaymentSuccess {
  id: string;
}

export type PaymentMethod = "upi" | "card";

export interface PaymentCallbacks {
  /** Once per open, when the payment went through. The modal closes after it. */
  onSuccess?: (payment: PaymentResult) => void;
  /** Once per payment that failed. The modal stays, so that the customer can try again. */
  onFailure?: (failure: PaymentFailure) => void;
  /** Once per open, when the modal is gone, for whatever reason. */
  onClose?: () => void;
}

export interface CheckoutOptions extends PaymentCallbacks {
  /** Opens the form of this method at once. */
  method?: PaymentMethod;
  /** Where the checkout is served, if that is not where this script came from. */
  checkoutUrl?: string;
}

export interface PaymentGatewayOptions extends CheckoutOptions {
  /** The merchant's publishable key. */
  key: string;
  /** An order that the merchant's server created. */
  orderId: string;
}

export interface GatewayCheckoutOptions extends CheckoutOptions {
  /** In the currency's smallest unit (paise), at least 100. */
  amount: number;
  /** ISO 4217; INR when left out. */
  currency?: string;
  receipt?: string;
  notes?: Record<string, unknown>;
  /** The merchant's publishable key; the test merchant's when left out. */
  key?: string;
}

type Caller = "PaymentGateway" | "GatewayCheckout.open";

export function requireOptions(caller: Caller, options: unknown): asserts options is Record<string, unknown> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${caller}: options must be an object`);
  }
}

export function requireText(caller: Caller, options: Record<string, unknown>, name: string): void {
  const value = options[name];
  if (value === undefined || value === null || value === "") throw new TypeError(`${caller}: ${name} is required`);
  if (typeof value !== "string") throw new TypeError(`${caller}: ${name} must be a string`);
}

export function checkCommonOptions(caller: Caller, options: Record<string, unknown>): void {
  for (const name of ["onSuccess", "onFailure", "onClose"]) {
    if (options[name] != null && typeof options[name] !== "function") {
      throw new TypeError(`${caller}: ${name} must be a function`);
    }
  }
  const { method } = options;
  if (method != null && method !== "upi" && method !== "card") {
    throw new TypeError(`${caller}: method must be "upi" or "card"`);
  }
}

export function checkAmount(caller: Caller, amount: unknown): void {
  if (amount === undefined || amount === null) throw new TypeError(`${caller}: amount is required`);
  if (!Number.isInteger(amount)) throw new TypeError(`${caller}: amount must be an integer in the smallest unit (paise)`);
  if ((amount as number) < 100) throw new TypeError(`${caller}: amount must be at least 100`);
}
