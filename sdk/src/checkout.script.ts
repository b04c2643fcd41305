import { locateBesideScript } from "./location.ts";
import { PaymentGateway } from "./payment-gateway.ts";

declare global {
  interface Window {
    PaymentGateway: typeof PaymentGateway;
  }
}

locateBesideScript("checkout.js");
window.PaymentGateway = PaymentGateway;
