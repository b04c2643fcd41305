/** The SDK for bundlers. A page without one loads `checkout.js` or `gateway.js` from the checkout's server. */
export { PaymentGateway } from "./payment-gateway.ts";
export { GatewayCheckout, type OpenCheckout } from "./gateway-checkout.ts";
export type {
  CheckoutOptions,
  GatewayCheckoutOptions,
  PaymentCallbacks,
  PaymentGatewayOptions,
  PaymentMethod,
  PaymentResult,
} from "./options.ts";
export type { PaymentFailure, PaymentSuccess } from "./messages.ts";
