import type { CheckoutMessage, PaymentFailure } from "./messages.ts";
import { isModalOpen, Modal } from "./modal.ts";
import type { PaymentCallbacks, PaymentMethod } from "./options.ts";

/** Payments that were under way when last heard of, by order. */
const underWay = new Map<string, string>();

/** One opening of the modal, from the click to `onClose`. */
export class Session {
  readonly #callbacks: PaymentCallbacks;
  readonly #modal: Modal;
  readonly #failuresReported = new Set<string>();
  #orderId: string | null = null;
  #closed = false;

  /** Opens the modal; null when one is on the page already, since a customer pays one thing at a time. */
  static open(page: URL, callbacks: PaymentCallbacks): Session | null {
    if (!document.body) throw new Error("The page has no body yet: open the payment after it has loaded");
    return isModalOpen() ? null : new Session(page, callbacks);
  }

  private constructor(page: URL, callbacks: PaymentCallbacks) {
    this.#callbacks = callbacks;
    this.#modal = new Modal(page, {
      onMessage: (message) => this.#receive(message),
      onDismiss: () => this.close(),
    });
  }

  get isOpen(): boolean {
    return !this.#closed && this.#modal.isOnPage;
  }

  load(orderId: string, method?: PaymentMethod): void {
    if (this.#closed) return;
    this.#orderId = orderId;
    this.#modal.load(orderId, method, underWay.get(orderId));
  }

  /** Reports a failure that the frame had no part in, and closes. */
  abandon(failure: PaymentFailure): void {
    if (this.#closed) return;
    this.#finish(() => this.#callbacks.onFailure?.(failure));
  }

  /** Safe at any moment, any number of times. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#modal.remove();
    this.#callbacks.onClose?.();
  }

  #receive(message: CheckoutMessage): void {
    if (this.#closed || this.#orderId === null) return;
    if (message.type === "close_modal") {
      this.close();
    } else if (message.type === "checkout_busy") {
      const { busy, paymentId } = message.data;
      if (busy && paymentId !== null) underWay.set(this.#orderId, paymentId);
      else if (!busy) underWay.delete(this.#orderId);
    } else if (message.type === "payment_success" && message.data.orderId === this.#orderId) {
      const { data } = message;
      this.#finish(() => this.#callbacks.onSuccess?.({ ...data, id: data.paymentId }));
    } else if (message.type === "payment_failed" && message.data.orderId === this.#orderId) {
      const { data } = message;
      const subject = data.paymentId ?? data.code;
      if (this.#failuresReported.has(subject)) return;
      this.#failuresReported.add(subject);
      this.#callbacks.onFailure?.(data);
    }
  }

  /** The modal goes even when the merchant's callback throws, and the merchant still sees the error. */
  #finish(report: () => void): void {
    try {
      report();
    } finally {
      this.close();
    }
  }
}
