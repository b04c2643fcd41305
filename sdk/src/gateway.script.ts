import { GatewayCheckout } from "./gateway-checkout.ts";
import { locateBesideScript } from "./location.ts";

declare global {
  interface Window {
    GatewayCheckout: typeof GatewayCheckout;
  }
}

locateBesideScript("gateway.js");
window.GatewayCheckout = GatewayCheckout;
