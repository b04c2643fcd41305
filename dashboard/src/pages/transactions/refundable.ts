import type { Payment, Refund } from "../../api/types";
import { formatMoney, parseAmount } from "../../format/money";

/** What is left of a payment: refunds under way count as well, only failed ones give their amount back. */
export function refundableAmount(payment: Payment, refunds: readonly Refund[]): number {
  const promised = refunds
    .filter((refund) => refund.status !== "failed")
    .reduce((sum, refund) => sum + refund.amount, 0);
  return payment.amount - promised;
}

/** The amount typed, or what is wrong with it. */
export function readRefundAmount(
  text: string,
  available: number,
  currency: string,
): { amount: number; problem?: never } | { amount?: never; problem: string } {
  const amount = parseAmount(text, currency);
  if (amount === null) return { problem: "Enter an amount, like 250 or 250.50." };
  if (amount < 1) return { problem: "Enter more than zero." };
  if (amount > available) return { problem: `Only ${formatMoney(available, currency)} is left to refund.` };
  return { amount };
}
