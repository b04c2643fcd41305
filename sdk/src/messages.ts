/**
 * What the checkout page, in its frame, says to the SDK on the merchant's page. Both sides import this file, so
 * that they cannot disagree.
 *
 * Nothing in a message is a secret and nothing in it is proof: a shop fulfils an order when its server has seen the
 * payment succeed, by webhook or by asking the API.
 */

/** What a payment that went through looks like. `amount` is in the currency's smallest unit (paise). */
export interface PaymentSuccess {
  paymentId: string;
  orderId: string;
  amount: number;
  currency: string;
  method: string;
  status: string;
}

/**
 * Why a payment did not go through. `paymentId` is null when no payment could be made at all, and `orderId` when not even
 * an order could.
 */
export interface PaymentFailure {
  paymentId: string | null;
  orderId: string | null;
  code: string;
  description: string;
}

/** Each kind of message with its data. */
export interface CheckoutMessageData {
  payment_success: PaymentSuccess;
  payment_failed: PaymentFailure;
  /** The customer asked, inside the frame, to leave. */
  close_modal: Record<string, never>;
  /** The page inside the frame runs and can take the keyboard. */
  checkout_ready: Record<string, never>;
  /**
   * A payment is being made, or no longer. Until it has an id `paymentId` is null.
   *
   * While busy, a stray click beside the modal must not throw the payment away; and a modal that was closed all the same and is
   * opened again goes on with it, even where the browser lets a frame of another site remember nothing.
   */
  checkout_busy: { busy: boolean; paymentId: string | null };
  /** How tall the page inside the frame is, in CSS pixels. */
  checkout_height: { height: number };
}

export type CheckoutMessageType = keyof CheckoutMessageData;

export type CheckoutMessage = {
  [Type in CheckoutMessageType]: { type: Type; data: CheckoutMessageData[Type]; nonce: string };
}[CheckoutMessageType];

const isText = (value: unknown): value is string => typeof value === "string";

const isTextOrNull = (value: unknown): boolean => value === null || isText(value);

const hasTexts = (data: Record<string, unknown>, ...names: string[]): boolean =>
  names.every((name) => isText(data[name]));

const always = (): boolean => true;

const WELL_FORMED: Record<CheckoutMessageType, (data: Record<string, unknown>) => boolean> = {
  payment_success: (data) =>
    hasTexts(data, "paymentId", "orderId", "currency", "method", "status") && Number.isInteger(data.amount),
  payment_failed: (data) => hasTexts(data, "orderId", "code", "description") && isTextOrNull(data.paymentId),
  close_modal: always,
  checkout_ready: always,
  checkout_busy: (data) => typeof data.busy === "boolean" && isTextOrNull(data.paymentId),
  checkout_height: (data) => Number.isFinite(data.height),
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** What an event must carry to be believed. */
export interface ExpectedSender {
  origin: string;
  source: unknown;
  nonce: string;
}

/**
 * The message of an event, or null when it does not come from the expected frame.
 *
 * Origin, window and nonce must all agree: the origin alone would also admit another checkout frame on the same page, and
 * the window alone would admit whatever that frame was navigated to.
 */
export function readMessage(
  event: { data: unknown; origin: string; source: unknown },
  expected: ExpectedSender,
): CheckoutMessage | null {
  if (event.source === null || event.source !== expected.source || event.origin !== expected.origin) return null;
  const message = event.data;
  if (!isObject(message) || message.nonce !== expected.nonce || !isText(message.type)) return null;
  if (!Object.hasOwn(WELL_FORMED, message.type) || !isObject(message.data)) return null;
  return WELL_FORMED[message.type as CheckoutMessageType](message.data) ? (message as CheckoutMessage) : null;
}
