import { describe, expect, it } from "vitest";
import { GatewayCheckout } from "../src/gateway-checkout.ts";
import type { GatewayCheckoutOptions, PaymentGatewayOptions } from "../src/options.ts";
import { PaymentGateway } from "../src/payment-gateway.ts";

const checkoutUrl = "https://pay.example";

describe("PaymentGateway", () => {
  const options = { key: "key_1", orderId: "order_1", checkoutUrl };

  it("takes right options", () => {
    expect(() => new PaymentGateway({ ...options, method: "upi", onSuccess: () => undefined })).not.toThrow();
  });

  it.each([
    [undefined, "options must be an object"],
    [{ ...options, key: undefined }, "key is required"],
    [{ ...options, orderId: undefined }, "orderId is required"],
    [{ ...options, orderId: "" }, "orderId is required"],
    [{ ...options, orderId: 42 }, "orderId must be a string"],
    [{ ...options, onSuccess: "done" }, "onSuccess must be a function"],
    [{ ...options, onFailure: {} }, "onFailure must be a function"],
    [{ ...options, onClose: 1 }, "onClose must be a function"],
    [{ ...options, method: "cash" }, 'method must be "upi" or "card"'],
    [{ ...options, checkoutUrl: "javascript:alert(1)" }, "checkoutUrl must be an http or https address"],
    [{ ...options, checkoutUrl: "pay.example" }, "checkoutUrl must be an http or https address"],
    [{ ...options, checkoutUrl: undefined }, "checkoutUrl is required when the SDK is not loaded from"],
  ])("says what is wrong with %o", (wrong, complaint) => {
    const construct = (): unknown => new PaymentGateway(wrong as PaymentGatewayOptions);
    expect(construct).toThrow(TypeError);
    expect(construct).toThrow(`PaymentGateway: ${complaint}`);
  });
});

describe("GatewayCheckout.open", () => {
  const options = { amount: 50_000, checkoutUrl };

  it.each([
    [undefined, "options must be an object"],
    [{ checkoutUrl }, "amount is required"],
    [{ ...options, amount: "50000" }, "amount must be an integer"],
    [{ ...options, amount: 99.5 }, "amount must be an integer"],
    [{ ...options, amount: 99 }, "amount must be at least 100"],
    [{ ...options, key: 1 }, "key must be a string"],
    [{ ...options, onSuccess: "done" }, "onSuccess must be a function"],
  ])("says what is wrong with %o", (wrong, complaint) => {
    const open = (): unknown => GatewayCheckout.open(wrong as GatewayCheckoutOptions);
    expect(open).toThrow(TypeError);
    expect(open).toThrow(`GatewayCheckout.open: ${complaint}`);
  });
});
