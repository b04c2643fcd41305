const LOCALE = "en-IN";

/** How many digits the currency has after the point: 2 for INR, 0 for JPY. */
export function currencyDigits(currency: string): number {
  return numberFormat(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** `50000` → `₹500`, `50050` → `₹500.50`: Indian grouping, the fraction only where there is one. */
export function formatMoney(amount: number, currency = "INR"): string {
  const digits = currencyDigits(currency);
  const scale = 10 ** digits;
  const shownDigits = amount % scale === 0 ? 0 : digits;
  return numberFormat(currency, shownDigits).format(amount / scale);
}

/** `₹5.2L` and the like, for the axes of charts. */
export function formatMoneyShort(amount: number, currency = "INR"): string {
  const format = new Intl.NumberFormat(LOCALE, {
    style: "currency",
    currency,
    notation: "compact",
    minimumFractionDigits: 0,
    maximumFractionDigits: 1,
  });
  return format.format(amount / 10 ** currencyDigits(currency));
}

/** The amount as a person types it into a field: `50050` → `500.50`. */
export function amountForInput(amount: number, currency = "INR"): string {
  const digits = currencyDigits(currency);
  const scale = 10 ** digits;
  return amount % scale === 0 ? String(amount / scale) : (amount / scale).toFixed(digits);
}

/** What a person typed, in the smallest unit; null when it is no amount. Never goes through floating point. */
export function parseAmount(text: string, currency = "INR"): number | null {
  const match = /^(\d+)(?:\.(\d*))?$/.exec(text.trim().replace(/^₹\s*/, "").replaceAll(",", ""));
  if (match === null) return null;
  const digits = currencyDigits(currency);
  const fraction = match[2] ?? "";
  if (fraction.length > digits) return null;
  const amount = Number(`${match[1] ?? ""}${fraction.padEnd(digits, "0")}`);
  return Number.isSafeInteger(amount) ? amount : null;
}

/** The amount as the API counts it: `50050 paise`. */
export function formatSmallestUnit(amount: number, currency: string): string {
  return currency === "INR" ? `${amount} paise` : `${amount} (${currency}, smallest unit)`;
}

export function formatCount(count: number): string {
  return new Intl.NumberFormat(LOCALE).format(count);
}

/** `95` → `95%`, `94.123` → `94.12%`. */
export function formatPercent(percent: number): string {
  return `${new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 }).format(percent)}%`;
}

function numberFormat(currency: string, digits?: number): Intl.NumberFormat {
  return new Intl.NumberFormat(LOCALE, {
    style: "currency",
    currency,
    ...(digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  });
}
