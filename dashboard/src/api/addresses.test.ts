import { describe, expect, it } from "vitest";
import { addressesFrom } from "./addresses";

const here = { protocol: "http:", hostname: "shop.local" };

describe("addressesFrom", () => {
  it("takes the ports of this platform on the page's own host", () => {
    const config = { api_port: "18000", checkout_port: "13001", api_url: "", checkout_url: "" };
    expect(addressesFrom(config, here)).toEqual({ api: "http://shop.local:18000", checkout: "http://shop.local:13001" });
  });

  it("takes the port of what compose publishes at one address", () => {
    expect(addressesFrom({ checkout_port: "127.0.0.1:13001" }, here).checkout).toBe("http://shop.local:13001");
  });

  it("prefers addresses of their own", () => {
    const config = { api_url: "https://api.example.com/", checkout_url: "https://pay.example.com", api_port: "18000" };
    expect(addressesFrom(config, here)).toEqual({ api: "https://api.example.com", checkout: "https://pay.example.com" });
  });

  it("has the usual ports until it knows", () => {
    expect(addressesFrom({}, here)).toEqual({ api: "http://shop.local:8000", checkout: "http://shop.local:3001" });
  });
});
