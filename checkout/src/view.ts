import type { Order, Payment } from "./api.ts";
import { formatAmount } from "./money.ts";

export type Method = "upi" | "card";

/** Exactly one of these is seen at a time; the markup of all of them is always there. */
export type State = "loading" | "ready" | "processing" | "success" | "paid" | "error";

function find<Kind extends HTMLElement = HTMLElement>(selector: string): Kind {
  const found = document.querySelector<Kind>(selector);
  if (!found) throw new Error(`The page has no ${selector}`);
  return found;
}

export const hook = <Kind extends HTMLElement = HTMLElement>(name: string): Kind =>
  find<Kind>(`[data-test-id="${name}"]`);

const container = hook("checkout-container");
const forms = find("#forms");

const sections: Record<State, HTMLElement> = {
  loading: find("#loading-state"),
  ready: find("#payment-choice"),
  processing: hook("processing-state"),
  success: hook("success-state"),
  paid: hook("already-paid-state"),
  error: hook("error-state"),
};

const methodForms: Record<Method, HTMLFormElement> = {
  upi: hook<HTMLFormElement>("upi-form"),
  card: hook<HTMLFormElement>("card-form"),
};

const methodButtons: Record<Method, HTMLButtonElement> = {
  upi: hook<HTMLButtonElement>("method-upi"),
  card: hook<HTMLButtonElement>("method-card"),
};

let shown: State = "loading";

/** Shows one state and takes the focus there, since what had it is gone; while the page loads nothing has had it. */
function show(state: State): void {
  const takesFocus = state !== shown && state !== "loading" && !(shown === "loading" && state === "ready");
  shown = state;
  for (const [name, section] of Object.entries(sections)) section.hidden = name !== state;
  container.dataset.state = state;
  container.setAttribute("aria-busy", String(state === "loading" || state === "processing"));
  if (!takesFocus) return;
  const section = sections[state];
  (section.querySelector<HTMLElement>("h2[tabindex]") ?? section).focus({ preventScroll: true });
  // On a phone the form may have been scrolled down to.
  window.scrollTo(0, 0);
}

export function showLoading(): void {
  show("loading");
}

export function noteLoading(text: string): void {
  find("#loading-note").textContent = text;
}

export function fillOrder(order: Order): void {
  const amount = formatAmount(order.amount, order.currency);
  const merchant = order.merchant_name?.trim() || "the shop";
  hook("order-summary").hidden = false;
  hook("order-amount").textContent = amount;
  hook("order-id").textContent = order.id;
  find("#merchant-name").textContent = merchant;
  find("#merchant-mark").textContent = [...merchant][0]?.toUpperCase() ?? "";
  for (const button of document.querySelectorAll('[data-test-id="pay-button"]')) button.textContent = `Pay ${amount}`;
  document.title = `Pay ${amount} to ${merchant}`;
}

export function showReady(): void {
  show("ready");
}

/**
 * Shows the form of a method, and puts it before the other one: both have a pay button under the same name, and
 * whoever looks for the first one on the page should find the one that can be pressed.
 */
export function chooseMethod(method: Method): void {
  for (const name of Object.keys(methodForms) as Method[]) {
    methodForms[name].hidden = name !== method;
    methodButtons[name].setAttribute("aria-pressed", String(name === method));
    if (name !== method) forms.append(methodForms[name]);
  }
  methodForms[method].querySelector("input")?.focus();
}

export const isMethodChosen = (): boolean => Object.values(methodForms).some((form) => !form.hidden);

export function onMethodChosen(chosen: (method: Method) => void): void {
  for (const button of Object.values(methodButtons)) {
    button.addEventListener("click", () => chosen(button.dataset.method as Method));
  }
}

export function showProcessing(method: Method | null): void {
  find("#processing-hint").textContent =
    method === "upi" ? "Approve the payment in your UPI app if it asks you to." : "Your bank is being asked. Please keep this page open.";
  noteProcessing("");
  show("processing");
}

export function noteProcessing(text: string): void {
  find("#processing-note").textContent = text;
}

function sayPaid(): void {
  find("#summary-title").textContent = "Amount paid";
}

export function showSuccess(payment: Payment): void {
  sayPaid();
  hook("payment-id").textContent = payment.id;
  document.title = `Paid ${formatAmount(payment.amount, payment.currency)}`;
  show("success");
}

export function showAlreadyPaid(): void {
  sayPaid();
  document.title = "Already paid";
  show("paid");
}

export interface Problem {
  title: string;
  message: string;
  canRetry: boolean;
  /** There is no order to show an amount of. */
  withoutOrder?: boolean;
}

export function showProblem({ title, message, canRetry, withoutOrder = false }: Problem): void {
  find("#error-title").textContent = title;
  hook("error-message").textContent = message;
  hook("retry-button").hidden = !canRetry;
  hook("order-summary").hidden = withoutOrder;
  document.title = title;
  show("error");
}

export function onRetry(retry: () => void): void {
  hook("retry-button").addEventListener("click", retry);
}

/** Inside a modal there is a way out in the final states, and Escape is one in all of them. */
export function enterEmbeddedMode(leave: () => void, heightChanged: (height: number) => void): void {
  document.documentElement.classList.add("embedded");
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-close]")) {
    button.hidden = false;
    button.addEventListener("click", leave);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
  });
  new ResizeObserver(() => heightChanged(container.offsetHeight)).observe(container);
}

export function watchConnection(): void {
  const banner = find("#offline-banner");
  const update = (): void => {
    banner.hidden = navigator.onLine;
  };
  window.addEventListener("online", update);
  window.addEventListener("offline", update);
  update();
}
