import { ApiError, fetchOrder, fetchPayment, type Order, type Payment, type PaymentDetails } from "./api.ts";
import { Attempts, openShelf } from "./attempts.ts";
import { connectToParent } from "./embedding.ts";
import { clearCvv, clearForms, isAboutField, onPay, showObjection } from "./forms.ts";
import { followPayment, loadOrder, sendPayment } from "./payment.ts";
import * as view from "./view.ts";

const DEFAULT_FAILURE = "Payment could not be processed";

const query = new URLSearchParams(location.search);
const orderId = query.get("order_id")?.trim() ?? "";
const embedded = query.get("embedded") === "true";
const fragment = new URLSearchParams(location.hash.slice(1));
const preferredMethod = fragment.get("method");
/** What the SDK remembers for a page whose own memory the browser has blocked. */
const paymentOfEarlierModal = fragment.get("payment");

const tellParent = connectToParent(embedded);
const attempts = new Attempts(openShelf(), orderId);

/** What the customer sees while this is true may not start another payment. */
let paying = false;

function setPaying(value: boolean, paymentId: string | null = null): void {
  paying = value;
  tellParent("checkout_busy", { busy: value, paymentId });
}

const isMethod = (value: unknown): value is view.Method => value === "upi" || value === "card";

/** `retry` of the problem on the screen. */
let retry: () => void = () => undefined;

function showProblem(problem: view.Problem, next: () => void): void {
  retry = next;
  view.showProblem(problem);
}

function showForm(): void {
  view.showReady();
  if (isMethod(preferredMethod) && !view.isMethodChosen()) view.chooseMethod(preferredMethod);
}

function reportFailure(paymentId: string | null, code: string, description: string): void {
  tellParent("payment_failed", { paymentId, orderId, code, description });
}

function succeed(payment: Payment): void {
  clearForms();
  view.showSuccess(payment);
  tellParent("payment_success", {
    paymentId: payment.id,
    orderId: payment.order_id,
    amount: payment.amount,
    currency: payment.currency,
    method: payment.method,
    status: payment.status,
  });
}

async function isOrderPaid(): Promise<boolean> {
  try {
    return (await fetchOrder(orderId)).status === "paid";
  } catch {
    // Only better words depend on it: when it cannot be told the failure itself is shown.
    return false;
  }
}

/** The payment ended without success. The order may still have been paid meanwhile, in another window or by a lost attempt. */
async function fail(payment: Payment): Promise<void> {
  attempts.end();
  clearCvv();
  const description = payment.error_description || DEFAULT_FAILURE;
  const paid = await isOrderPaid();
  if (paid) view.showAlreadyPaid();
  else showProblem({ title: "Payment Failed", message: description, canRetry: true }, showForm);
  reportFailure(payment.id, payment.error_code || "PAYMENT_FAILED", description);
}

/** The API did not take the payment, or could not be asked. */
async function refuse(error: ApiError): Promise<void> {
  if (error.isUnreachable || error.status >= 500) {
    const message =
      "We could not reach the payment service and do not know yet whether your payment went through. Trying again is safe: with the same details you will not pay twice.";
    showProblem({ title: "Connection lost", message, canRetry: true }, showForm);
  } else if (error.isRateLimited) {
    const soon = (error.retryAfterSeconds ?? 0) <= 90;
    const message = `There were too many requests. Please try again ${soon ? "in a minute" : "later"}.`;
    showProblem({ title: "Please wait a moment", message, canRetry: true }, showForm);
  } else if (isAboutField(error)) {
    showForm();
    showObjection(error);
  } else if (error.status === 404) {
    showUnknownOrder(error);
  } else if (await isOrderPaid()) {
    attempts.end();
    showAlreadyPaid();
  } else {
    showProblem({ title: "Payment Failed", message: error.message || DEFAULT_FAILURE, canRetry: true }, showForm);
  }
}

function showAlreadyPaid(): void {
  view.showAlreadyPaid();
  reportFailure(null, "BAD_REQUEST_ERROR", "Order already paid");
}

/** Follows a payment that exists to its end. */
async function settle(paymentId: string, startDelayMs?: number): Promise<void> {
  const payment = await followPayment(paymentId, orderId, view.noteProcessing, startDelayMs);
  if (payment.status === "success") succeed(payment);
  else await fail(payment);
}

async function pay(order: Order, details: PaymentDetails): Promise<void> {
  if (paying) return;
  setPaying(true);
  view.showProcessing(details.method);
  const body = JSON.stringify({ order_id: order.id, amount: order.amount, currency: order.currency, ...details });
  try {
    const payment = await sendPayment(body, attempts, view.noteProcessing);
    setPaying(true, payment.id);
    await settle(payment.id);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await refuse(error);
  } finally {
    setPaying(false);
  }
}

/** A payment that was under way when the page was loaded again. */
async function resume(paymentId: string): Promise<void> {
  setPaying(true, paymentId);
  view.showProcessing(null);
  try {
    await settle(paymentId, 0);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // The payment is unknown to the API: the browser remembered something that no longer is.
    attempts.end();
    showForm();
  } finally {
    setPaying(false);
  }
}

/** The order is paid; was it by the payment that this window made? */
async function showPaid(paymentId: string | null): Promise<void> {
  if (paymentId !== null) {
    try {
      const payment = await fetchPayment(paymentId, orderId);
      if (payment.status === "success") {
        succeed(payment);
        return;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  showAlreadyPaid();
}

function showUnknownOrder(error: ApiError): void {
  const message = "This payment link does not lead to an order. Please check it, or go back to the shop.";
  showProblem({ title: "Order not found", message, canRetry: true, withoutOrder: true }, start);
  reportFailure(null, error.code, error.message);
}

let order: Order | null = null;

async function start(): Promise<void> {
  view.showLoading();
  view.noteLoading("");
  if (orderId === "") {
    const message = "The address of this page lacks the order to pay for. Please go back to the shop.";
    showProblem({ title: "Nothing to pay", message, canRetry: false, withoutOrder: true }, start);
    return;
  }
  try {
    order = await loadOrder(orderId, view.noteLoading);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404 || error.status === 400) showUnknownOrder(error);
    else showProblem({ title: "Something went wrong", message: error.message, canRetry: true, withoutOrder: true }, start);
    return;
  }
  view.fillOrder(order);
  const paymentId = attempts.current?.paymentId ?? paymentOfEarlierModal;
  if (order.status === "paid") await showPaid(paymentId);
  else if (paymentId !== null) await resume(paymentId);
  else showForm();
}

if (embedded) {
  view.enterEmbeddedMode(
    () => tellParent("close_modal", {}),
    (height) => tellParent("checkout_height", { height }),
  );
}
view.watchConnection();
view.onMethodChosen(view.chooseMethod);
view.onRetry(() => retry());
onPay((details) => {
  if (order) void pay(order, details);
});
tellParent("checkout_ready", {});
void start();
