import { describe, expect, it } from "vitest";
import { formatAmount } from "../src/money.ts";

describe("formatAmount", () => {
  it.each([
    [50_000, "INR", "₹500.00"],
    [100, "INR", "₹1.00"],
    [12_345_678_99, "INR", "₹1,23,45,678.99"],
    [2_147_483_647, "INR", "₹2,14,74,836.47"],
    [50_000, "USD", "$500.00"],
    [50_000, "JPY", "¥50,000"],
  ])("writes %i %s as %s", (amount, currency, text) => {
    expect(formatAmount(amount, currency)).toBe(text);
  });
});
