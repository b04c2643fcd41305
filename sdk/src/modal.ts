import { readMessage, type CheckoutMessage } from "./messages.ts";
import type { PaymentMethod } from "./options.ts";
import { randomToken } from "./random.ts";
import { installStyles } from "./styles.ts";

const MODAL_ID = "payment-gateway-modal";

/** After this long without a word from the page in the frame the customer is told that something may be wrong. */
const SLOW_START_MS = 12_000;

const HEIGHT_MIN_PX = 240;
const HEIGHT_MAX_PX = 4_000;

export interface ModalListener {
  onMessage(message: CheckoutMessage): void;
  /** The customer wants to leave. */
  onDismiss(): void;
}

/** True while a modal of this or another copy of the SDK is on the page. */
export const isModalOpen = (): boolean => document.getElementById(MODAL_ID) !== null;

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string>,
  ...children: Node[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** Stops the merchant's page from scrolling behind the modal; gives back what undoes it. */
function lockScroll(): () => void {
  const { body, documentElement } = document;
  const { overflow, paddingRight } = body.style;
  const scrollbarWidthPx = window.innerWidth - documentElement.clientWidth;
  body.style.overflow = "hidden";
  if (scrollbarWidthPx > 0) {
    const paddingPx = Number.parseFloat(getComputedStyle(body).paddingRight) || 0;
    body.style.paddingRight = `${paddingPx + scrollbarWidthPx}px`;
  }
  return () => {
    body.style.overflow = overflow;
    body.style.paddingRight = paddingRight;
  };
}

/** The dialog on the merchant's page with the checkout page in a frame. It shows itself when constructed. */
export class Modal {
  readonly #page: URL;
  readonly #listener: ModalListener;
  readonly #nonce = randomToken();
  readonly #root: HTMLElement;
  readonly #content: HTMLElement;
  readonly #frame: HTMLIFrameElement;
  readonly #status: HTMLElement;
  readonly #closeButton: HTMLButtonElement;
  readonly #listening = new AbortController();
  readonly #unlockScroll: () => void;
  readonly #focusedBefore: Element | null;
  readonly #slowStart: number;
  #busy = false;

  constructor(page: URL, listener: ModalListener) {
    this.#page = page;
    this.#listener = listener;
    installStyles();

    this.#frame = element("iframe", {
      "data-test-id": "payment-iframe",
      title: "Secure payment",
      allow: "payment",
      referrerpolicy: "strict-origin",
    });
    this.#closeButton = element(
      "button",
      { "data-test-id": "close-modal-button", class: "close-button", type: "button", "aria-label": "Close payment" },
      document.createTextNode("×"),
    );
    this.#status = element("div", { class: "modal-status", role: "status" });
    this.#status.textContent = "Loading secure payment…";
    this.#content = element(
      "div",
      { class: "modal-content", role: "dialog", "aria-modal": "true", "aria-label": "Payment", tabindex: "-1" },
      this.#frame,
      this.#closeButton,
      this.#status,
    );
    const overlay = element("div", { class: "modal-overlay" }, this.#content);
    // Tab leaves a frame of another origin without an event here, so that two guards catch it at either end.
    const guardBefore = element("span", { tabindex: "0" });
    const guardAfter = element("span", { tabindex: "0" });
    this.#root = element(
      "div",
      { id: MODAL_ID, "data-test-id": "payment-modal" },
      guardBefore,
      overlay,
      guardAfter,
    );

    this.#focusedBefore = document.activeElement;
    this.#unlockScroll = lockScroll();
    document.body.append(this.#root);
    this.#content.focus({ preventScroll: true });

    const { signal } = this.#listening;
    window.addEventListener("message", (event) => this.#receive(event), { signal });
    this.#closeButton.addEventListener("click", () => listener.onDismiss(), { signal });
    overlay.addEventListener(
      "click",
      (event) => {
        if (event.target === overlay && !this.#busy) listener.onDismiss();
      },
      { signal },
    );
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        listener.onDismiss();
      },
      { signal, capture: true },
    );
    document.addEventListener("focusin", (event) => this.#keepFocus(event.target), { signal, capture: true });
    guardBefore.addEventListener("focus", () => this.#closeButton.focus(), { signal });
    guardAfter.addEventListener("focus", () => this.#frame.focus(), { signal });

    this.#slowStart = window.setTimeout(() => {
      this.#status.textContent = "This takes longer than usual. Check your connection, or close and try again.";
    }, SLOW_START_MS);
  }

  /** Loads the checkout of an order into the frame, to go on with a payment that an earlier modal left under way. */
  load(orderId: string, method?: PaymentMethod, paymentUnderWay?: string): void {
    const address = new URL(this.#page);
    address.searchParams.set("order_id", orderId);
    address.searchParams.set("embedded", "true");
    // The fragment stays in the browser: the nonce reaches no server and no log.
    const fragment = new URLSearchParams({ nonce: this.#nonce });
    if (self.origin !== "null") fragment.set("origin", self.origin);
    if (method) fragment.set("method", method);
    if (paymentUnderWay) fragment.set("payment", paymentUnderWay);
    address.hash = fragment.toString();
    this.#frame.src = address.href;
  }

  /** False once removed, be it by `remove` or by the merchant's own script. */
  get isOnPage(): boolean {
    return this.#root.isConnected;
  }

  remove(): void {
    window.clearTimeout(this.#slowStart);
    this.#listening.abort();
    this.#root.remove();
    this.#unlockScroll();
    if (this.#focusedBefore instanceof HTMLElement && this.#focusedBefore.isConnected) {
      this.#focusedBefore.focus({ preventScroll: true });
    }
  }

  #receive(event: MessageEvent): void {
    const message = readMessage(event, {
      origin: this.#page.origin,
      source: this.#frame.contentWindow,
      nonce: this.#nonce,
    });
    if (message === null) return;
    if (message.type === "checkout_ready") this.#ready();
    else if (message.type === "checkout_height") this.#fit(message.data.height);
    else {
      if (message.type === "checkout_busy") this.#busy = message.data.busy;
      this.#listener.onMessage(message);
    }
  }

  /** Only now is the keyboard handed to the frame: a page that failed to load could not answer Escape. */
  #ready(): void {
    window.clearTimeout(this.#slowStart);
    this.#status.hidden = true;
    this.#status.textContent = "";
    if (document.activeElement === this.#content) this.#frame.focus();
  }

  #fit(heightPx: number): void {
    const heightClampedPx = Math.min(Math.max(Math.ceil(heightPx), HEIGHT_MIN_PX), HEIGHT_MAX_PX);
    this.#content.style.height = `${heightClampedPx}px`;
  }

  #keepFocus(target: EventTarget | null): void {
    if (target instanceof Node && !this.#root.contains(target)) this.#content.focus({ preventScroll: true });
  }
}
