import type { ApiError, PaymentDetails } from "./api.ts";
import {
  cvvLength,
  cvvProblem,
  digitsOf,
  expiryProblem,
  formatExpiry,
  groupNumber,
  holderProblem,
  NETWORK_NAMES,
  networkOf,
  numberProblem,
  parseExpiry,
} from "./card.ts";
import { vpaProblem } from "./upi.ts";
import { hook, type Method } from "./view.ts";

let pressed = false;
for (const [type, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]] as const) {
  window.addEventListener(type, () => void (pressed = down), { capture: true });
}

/**
 * Runs when no finger or mouse button is down any more. Pressing the pay button takes the focus from a field; an error that
 * came up at that moment would move the button away before the press is over, and the click would be lost.
 */
function afterPress(action: () => void): void {
  if (pressed) window.addEventListener("pointerup", () => setTimeout(action), { once: true });
  else setTimeout(action);
}

/** An input with its error text. */
class Field {
  readonly input: HTMLInputElement;
  readonly #error: HTMLElement;
  readonly #problem: (value: string) => string | null;

  constructor(name: string, problem: (value: string) => string | null) {
    this.input = hook<HTMLInputElement>(name);
    this.#error = document.getElementById(`${this.input.id}-error`) as HTMLElement;
    this.#problem = problem;
    this.input.addEventListener("input", () => this.complain(null));
    // Not for an empty field: leaving it is not yet a mistake.
    this.input.addEventListener("change", () => {
      afterPress(() => {
        if (this.value !== "") this.check();
      });
    });
  }

  get value(): string {
    return this.input.value.trim();
  }

  /** True when there is nothing to complain about. */
  check(): boolean {
    const problem = this.#problem(this.value);
    this.complain(problem);
    return problem === null;
  }

  complain(problem: string | null): void {
    this.#error.textContent = problem ?? "";
    this.#error.hidden = problem === null;
    if (problem === null) this.input.removeAttribute("aria-invalid");
    else this.input.setAttribute("aria-invalid", "true");
  }
}

const vpa = new Field("vpa-input", vpaProblem);
const cardNumber = new Field("card-number-input", numberProblem);
const expiry = new Field("expiry-input", (value) => expiryProblem(value, new Date()));
const cvv = new Field("cvv-input", (value) => cvvProblem(value, networkOf(cardNumber.value)));
const holder = new Field("cardholder-name-input", holderProblem);

const fieldsOf: Record<Method, readonly Field[]> = { upi: [vpa], card: [cardNumber, expiry, cvv, holder] };

const formOf: Record<Method, HTMLFormElement> = {
  upi: hook<HTMLFormElement>("upi-form"),
  card: hook<HTMLFormElement>("card-form"),
};

/** Groups the number, with the caret staying behind the digit that it was behind. */
function regroupNumber(): void {
  const { input } = cardNumber;
  const caret = input.selectionStart ?? input.value.length;
  const digitsBefore = digitsOf(input.value.slice(0, caret)).length;
  const atEnd = caret === input.value.length;
  const grouped = groupNumber(input.value);
  if (grouped === input.value) return;
  input.value = grouped;
  if (atEnd || document.activeElement !== input) return;
  let position = 0;
  for (let digits = 0; digits < digitsBefore && position < grouped.length; position += 1) {
    if (grouped[position] !== " ") digits += 1;
  }
  input.setSelectionRange(position, position);
}

function showNetwork(): void {
  const network = networkOf(cardNumber.input.value);
  const mark = hook("card-network");
  mark.textContent = NETWORK_NAMES[network];
  mark.dataset.network = network;
  cvv.input.maxLength = network === "unknown" ? 4 : cvvLength(network);
}

cardNumber.input.addEventListener("input", () => {
  regroupNumber();
  showNetwork();
});

expiry.input.addEventListener("input", (event) => {
  const { input } = expiry;
  const deleting = event instanceof InputEvent && event.inputType.startsWith("delete");
  if (!deleting && input.selectionStart === input.value.length) input.value = formatExpiry(input.value);
});

cvv.input.addEventListener("input", () => {
  const digits = digitsOf(cvv.input.value);
  if (digits !== cvv.input.value) cvv.input.value = digits;
});

function readDetails(method: Method): PaymentDetails {
  if (method === "upi") return { method, vpa: vpa.value };
  const parsed = parseExpiry(expiry.value);
  if (!parsed) throw new Error("The form was read before it was checked");
  return {
    method,
    card: {
      number: digitsOf(cardNumber.value),
      expiry_month: String(parsed.month).padStart(2, "0"),
      expiry_year: String(parsed.year),
      cvv: cvv.value,
      holder_name: holder.value,
    },
  };
}

/** Calls back with details that hold up; otherwise says what is wrong, and goes to the first field that is. */
export function onPay(pay: (details: PaymentDetails) => void): void {
  for (const method of ["upi", "card"] as const) {
    formOf[method].addEventListener("submit", (event) => {
      event.preventDefault();
      const wrong = fieldsOf[method].filter((field) => !field.check());
      if (wrong[0]) wrong[0].input.focus();
      else pay(readDetails(method));
    });
  }
}

const FIELD_OF_ERROR: Record<string, Field> = { INVALID_VPA: vpa, INVALID_CARD: cardNumber, EXPIRED_CARD: expiry };

export const isAboutField = (error: ApiError): boolean => error.code in FIELD_OF_ERROR;

/** Puts the API's objection at the field that it is about. */
export function showObjection(error: ApiError): void {
  const field = FIELD_OF_ERROR[error.code];
  field?.complain(error.message);
  field?.input.focus();
}

/** What was typed is not needed any longer, the card's number least of all. */
export function clearForms(): void {
  for (const form of Object.values(formOf)) form.reset();
  showNetwork();
}

/** A CVV is for one try. */
export function clearCvv(): void {
  cvv.input.value = "";
}
