import { describe, expect, it } from "vitest";
import { locateCheckout } from "../src/location.ts";

describe("locateCheckout", () => {
  it.each([
    ["https://pay.example", "https://pay.example/checkout", "https://pay.example/api/v1/orders/public"],
    ["https://pay.example/", "https://pay.example/checkout", "https://pay.example/api/v1/orders/public"],
    ["https://pay.example/checkout.html?a=b#c", "https://pay.example/checkout.html", "https://pay.example/api/v1/orders/public"],
    ["https://example.com/pay/", "https://example.com/pay/checkout", "https://example.com/pay/api/v1/orders/public"],
  ])("finds the page and the API at %s", (checkoutUrl, page, orders) => {
    const location = locateCheckout("PaymentGateway", checkoutUrl);
    expect(location.page.href).toBe(page);
    expect(location.orders.href).toBe(orders);
  });
});
