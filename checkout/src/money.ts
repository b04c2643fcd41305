/**
 * An amount in the currency's smallest unit, as people write it: ₹5,00,000.00.
 *
 * How many decimals a currency has is for `Intl` to know: yen have none, dinars three.
 */
export function formatAmount(amount: number, currency: string): string {
  const format = new Intl.NumberFormat(currency === "INR" ? "en-IN" : "en", { style: "currency", currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** decimals);
}
