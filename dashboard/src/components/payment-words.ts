import type { Payment } from "../api/types";

/** `user@bank` or `visa ·· 1111`: what the payer paid with. */
export function payerText(payment: Payment): string {
  if (payment.vpa) return payment.vpa;
  if (payment.card_last4) return `${payment.card_network ?? "card"} ·· ${payment.card_last4}`;
  return payment.method;
}

export function canCapture(payment: Payment): boolean {
  return payment.status === "success" && !payment.captured;
}
