import { describe, expect, it } from "vitest";
import { readMessage } from "../src/messages.ts";

const frame = {};
const expected = { origin: "https://pay.example", source: frame, nonce: "n1" };

const success = {
  type: "payment_success",
  data: { paymentId: "pay_1", orderId: "order_1", amount: 50_000, currency: "INR", method: "upi", status: "success" },
  nonce: "n1",
};

const event = (data: unknown, changed: object = {}) => ({ data, origin: expected.origin, source: frame, ...changed });

describe("readMessage", () => {
  it.each([
    success,
    { type: "payment_failed", data: { paymentId: "pay_1", orderId: "order_1", code: "C", description: "d" }, nonce: "n1" },
    { type: "payment_failed", data: { paymentId: null, orderId: "order_1", code: "C", description: "d" }, nonce: "n1" },
    { type: "close_modal", data: {}, nonce: "n1" },
    { type: "checkout_ready", data: {}, nonce: "n1" },
    { type: "checkout_busy", data: { busy: true, paymentId: "pay_1" }, nonce: "n1" },
    { type: "checkout_busy", data: { busy: false, paymentId: null }, nonce: "n1" },
    { type: "checkout_height", data: { height: 400.5 }, nonce: "n1" },
  ])("takes $type from its own frame", (message) => {
    expect(readMessage(event(message), expected)).toEqual(message);
  });

  it.each([
    ["another origin", { origin: "https://evil.example" }],
    ["an origin that only begins alike", { origin: "https://pay.example.evil.example" }],
    ["another window", { source: {} }],
    ["no window", { source: null }],
  ])("takes nothing from %s", (_name, changed) => {
    expect(readMessage(event(success, changed), expected)).toBeNull();
  });

  it("takes nothing while the frame has no window", () => {
    expect(readMessage(event(success, { source: null }), { ...expected, source: null })).toBeNull();
  });

  it.each([
    ["another nonce", { ...success, nonce: "n2" }],
    ["no nonce", { type: success.type, data: success.data }],
    ["no data", { type: "payment_success", nonce: "n1" }],
    ["no payment", { ...success, data: {} }],
    ["an amount that is no integer", { ...success, data: { ...success.data, amount: "50000" } }],
    ["an unknown type", { ...success, type: "payment_refunded" }],
    ["a type that every object has", { ...success, type: "constructor" }],
    ["a height that is no number", { type: "checkout_height", data: { height: "400px" }, nonce: "n1" }],
    ["a height without end", { type: "checkout_height", data: { height: Number.POSITIVE_INFINITY }, nonce: "n1" }],
    ["a text", "payment_success"],
    ["nothing", null],
  ])("takes no message with %s", (_name, data) => {
    expect(readMessage(event(data), expected)).toBeNull();
  });
});
