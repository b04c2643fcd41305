import { describe, expect, it } from "vitest";
import type { Payment, Refund, RefundStatus } from "../../api/types";
import { readRefundAmount, refundableAmount } from "./refundable";

const payment: Payment = {
  id: "pay_1",
  order_id: "order_1",
  amount: 50_000,
  currency: "INR",
  method: "upi",
  status: "success",
  captured: false,
  error_code: null,
  error_description: null,
  created_at: "2024-01-15T10:31:00Z",
  updated_at: "2024-01-15T10:31:00Z",
};

function refund(amount: number, status: RefundStatus): Refund {
  return { id: "rfnd_1", payment_id: "pay_1", amount, reason: null, status, created_at: "", processed_at: null };
}

describe("refundableAmount", () => {
  it("counts refunds under way, but not failed ones", () => {
    expect(refundableAmount(payment, [])).toBe(50_000);
    expect(
      refundableAmount(payment, [refund(10_000, "processed"), refund(5_000, "pending"), refund(30_000, "failed")]),
    ).toBe(35_000);
  });
});

describe("readRefundAmount", () => {
  it("reads rupees into paise", () => {
    expect(readRefundAmount("250.50", 50_000, "INR")).toEqual({ amount: 25_050 });
    expect(readRefundAmount("500", 50_000, "INR")).toEqual({ amount: 50_000 });
  });

  it.each([
    ["", "Enter an amount"],
    ["0", "more than zero"],
    ["500.01", "Only ₹500 is left"],
    ["1.234", "Enter an amount"],
  ])("says what is wrong with %j", (text, problem) => {
    expect(readRefundAmount(text, 50_000, "INR").problem).toContain(problem);
  });
});
