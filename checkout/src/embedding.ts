import type { CheckoutMessageData, CheckoutMessageType } from "payment-gateway-sdk/messages";

type Send = <Type extends CheckoutMessageType>(type: Type, data: CheckoutMessageData[Type]) => void;

/** What the SDK put into the address of the frame. */
export interface Embedding {
  nonce: string;
  /** Whom messages are meant for; `*` where the merchant's page has no origin of its own, such as a local file. */
  targetOrigin: string;
}

function validOrigin(text: string | null): string | null {
  if (text === null || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.origin === text && (url.protocol === "https:" || url.protocol === "http:") ? text : null;
}

export function readEmbedding(fragment: string): Embedding {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  return { nonce: given.get("nonce") ?? "", targetOrigin: validOrigin(given.get("origin")) ?? "*" };
}

/**
 * How the page speaks to the page around it. Messages hold nothing secret, so that `*` as the target is no leak.
 *
 * What is said is said once: a failure that is shown again after a reload of the state is no second failure.
 */
export function connectToParent(embedded: boolean): Send {
  if (!embedded || window.parent === window) return () => undefined;
  const { nonce, targetOrigin } = readEmbedding(location.hash);
  return (type, data) => window.parent.postMessage({ type, data, nonce }, targetOrigin);
}
