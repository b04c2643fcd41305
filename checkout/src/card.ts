/** Rules of a card, the same as the API's; the API has the last word. */

export type CardNetwork = "visa" | "mastercard" | "amex" | "rupay" | "unknown";

const NETWORKS: readonly (readonly [CardNetwork, RegExp])[] = [
  ["visa", /^4/],
  ["mastercard", /^5[1-5]/],
  ["amex", /^3[47]/],
  ["rupay", /^(60|65|8[1-9])/],
];

export const NETWORK_NAMES: Record<CardNetwork, string> = {
  visa: "Visa",
  mastercard: "Mastercard",
  amex: "Amex",
  rupay: "RuPay",
  unknown: "",
};

const DIGITS_MIN = 13;
const DIGITS_MAX = 19;

export const digitsOf = (text: string): string => text.replace(/\D/g, "");

export const networkOf = (number: string): CardNetwork =>
  NETWORKS.find(([, pattern]) => pattern.test(digitsOf(number)))?.[0] ?? "unknown";

/** The check digit formula of ISO/IEC 7812-1, annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight += 1) {
    const digit = Number(digits[digits.length - 1 - fromRight]);
    const weighted = fromRight % 2 === 1 ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return digits.length > 0 && sum % 10 === 0;
}

/** The number in groups as it is printed on the card: 4-6-5 for Amex, fours for the others. */
export function groupNumber(text: string): string {
  const digits = digitsOf(text).slice(0, DIGITS_MAX);
  const groups =
    networkOf(digits) === "amex"
      ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)]
      : (digits.match(/.{1,4}/g) ?? []);
  return groups.filter(Boolean).join(" ");
}

export function numberProblem(text: string): string | null {
  const digits = digitsOf(text);
  if (digits === "") return "Enter the card number.";
  if (digits.length < DIGITS_MIN) return "The card number is too short.";
  if (digits.length > DIGITS_MAX || !passesLuhn(digits)) return "Check the card number: a digit seems wrong.";
  return null;
}

export const cvvLength = (network: CardNetwork): number => (network === "amex" ? 4 : 3);

export function cvvProblem(text: string, network: CardNetwork): string | null {
  if (text === "") return "Enter the CVV.";
  // A card of a network that we do not know may have either length.
  const lengths = network === "unknown" ? [3, 4] : [cvvLength(network)];
  if (/^\d+$/.test(text) && lengths.includes(text.length)) return null;
  return network === "amex" ? "Enter the 4 digits on the front of the card." : "Enter the 3 digits on the back of the card.";
}

/**
 * Puts the slash in while an expiry is typed; a month that can have no second digit is completed at once ("5" to "05/").
 * It is meant for text that grows: what is left after a deletion is the customer's to change, the slash included.
 */
export function formatExpiry(text: string): string {
  const typed = text.replace(/[^\d/]/g, "");
  const oneDigitMonth = /^[2-9]|^1\//.test(typed);
  const digits = (oneDigitMonth ? "0" : "") + digitsOf(typed);
  return digits.length < 2 ? digits : `${digits.slice(0, 2)}/${digits.slice(2, 6)}`;
}

export interface Expiry {
  month: number;
  year: number;
}

export function parseExpiry(text: string): Expiry | null {
  const match = /^(\d{1,2})\s*\/\s*(\d{2}|\d{4})$/.exec(text.trim());
  if (!match) return null;
  const month = Number(match[1]);
  const year = Number(match[2]);
  if (month < 1 || month > 12) return null;
  return { month, year: year < 100 ? 2000 + year : year };
}

/** A card is good to the end of the month that is printed on it. */
export function expiryProblem(text: string, now: Date): string | null {
  if (text.trim() === "") return "Enter the expiry date.";
  const expiry = parseExpiry(text);
  if (!expiry) return "Enter the expiry as MM/YY.";
  const monthsLeft = (expiry.year - now.getFullYear()) * 12 + (expiry.month - 1 - now.getMonth());
  return monthsLeft < 0 ? "This card has expired." : null;
}

export const holderProblem = (text: string): string | null =>
  text.trim() === "" ? "Enter the name on the card." : null;
