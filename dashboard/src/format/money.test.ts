import { describe, expect, it } from "vitest";
import { amountForInput, formatMoney, formatPercent, parseAmount } from "./money";

describe("formatMoney", () => {
  it.each([
    [0, "INR", "₹0"],
    [50_000, "INR", "₹500"],
    [50_050, "INR", "₹500.50"],
    [1, "INR", "₹0.01"],
    [50_000_000, "INR", "₹5,00,000"],
    [12_345_678_900, "INR", "₹12,34,56,789"],
    [1999, "USD", "$19.99"],
    [500, "JPY", "JP¥500"],
  ])("%i in %s is %s", (amount, currency, expected) => {
    expect(formatMoney(amount, currency)).toBe(expected);
  });
});

describe("parseAmount", () => {
  it.each([
    ["500", 50_000],
    ["500.5", 50_050],
    ["500.50", 50_050],
    ["₹ 5,00,000", 50_000_000],
    ["19.99", 1999],
    ["1.", 100],
  ])("reads %s as %i", (text, expected) => {
    expect(parseAmount(text)).toBe(expected);
  });

  it.each(["", "-5", "1.999", "abc", "1e3", "1.2.3", "99999999999999999999"])("refuses %s", (text) => {
    expect(parseAmount(text)).toBeNull();
  });

  it.each([1, 99, 100, 101, 50_050, 123_456_789])("gives back what amountForInput shows for %i", (amount) => {
    expect(parseAmount(amountForInput(amount))).toBe(amount);
  });

  it("knows currencies without a fraction", () => {
    expect(parseAmount("500", "JPY")).toBe(500);
    expect(parseAmount("500.5", "JPY")).toBeNull();
  });
});

describe("formatPercent", () => {
  it.each([
    [0, "0%"],
    [95, "95%"],
    [94.126, "94.13%"],
    [100, "100%"],
  ])("%d is %s", (percent, expected) => {
    expect(formatPercent(percent)).toBe(expected);
  });
});
