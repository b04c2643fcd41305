import { locateCheckout, type CheckoutLocation } from "./location.ts";
import { checkCommonOptions, requireOptions, requireText, type PaymentGatewayOptions } from "./options.ts";
import { Session } from "./session.ts";

/**
 * Takes the payment of an order that the merchant's server created.
 *
 * `onSuccess` is for the eyes of the customer. The merchant's server learns of the payment from the webhook.
 */
export class PaymentGateway {
  readonly #options: PaymentGatewayOptions;
  readonly #location: CheckoutLocation;
  #session: Session | null = null;

  /** @throws TypeError that names the option which is missing or wrong. */
  constructor(options: PaymentGatewayOptions) {
    requireOptions("PaymentGateway", options);
    requireText("PaymentGateway", options, "key");
    requireText("PaymentGateway", options, "orderId");
    checkCommonOptions("PaymentGateway", options);
    this.#location = locateCheckout("PaymentGateway", options.checkoutUrl);
    this.#options = { ...options };
  }

  /** Shows the modal. Does nothing while one is open. */
  open(): void {
    if (this.#session?.isOpen) return;
    // Left over when the merchant's own script emptied the page: its listeners and the scroll lock must go too.
    this.#session?.close();
    this.#session = Session.open(this.#location.page, this.#options);
    this.#session?.load(this.#options.orderId, this.#options.method);
  }

  /** Takes the modal away. Safe at any moment. */
  close(): void {
    this.#session?.close();
  }
}
