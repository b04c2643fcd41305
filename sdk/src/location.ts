/**
 * Where the checkout lives: beside the script that is running, since the checkout's own server serves it. Read while
 * the script is first executed, because `document.currentScript` is gone afterwards.
 */
const ownScript = (name: string): string | null => {
  if (typeof document === "undefined") return null;
  const running = document.currentScript;
  if (running instanceof HTMLScriptElement && running.src) return running.src;
  // A script loaded as a module has no currentScript.
  return document.querySelector<HTMLScriptElement>(`script[src*="/${name}"]`)?.src ?? null;
};

let base: string | null = null;

/** Called by the one-file builds, which know the name that they are served under. */
export function locateBesideScript(name: string): void {
  base = ownScript(name);
}

export interface CheckoutLocation {
  page: URL;
  /** The address that creates public orders. */
  orders: URL;
}

const isWeb = (url: URL): boolean => url.protocol === "https:" || url.protocol === "http:";

/**
 * The checkout page and its API, from the option if there is one, else from the script's own address.
 *
 * @throws TypeError when neither names a place on the web.
 */
export function locateCheckout(caller: string, checkoutUrl: unknown): CheckoutLocation {
  if (checkoutUrl !== undefined) {
    if (typeof checkoutUrl === "string" && URL.canParse(checkoutUrl)) {
      const page = new URL(checkoutUrl);
      if (isWeb(page)) {
        if (page.pathname.endsWith("/")) page.pathname += "checkout";
        page.search = page.hash = "";
        return { page, orders: new URL("api/v1/orders/public", page) };
      }
    }
    throw new TypeError(`${caller}: checkoutUrl must be an http or https address`);
  }
  if (base === null) {
    throw new TypeError(`${caller}: checkoutUrl is required when the SDK is not loaded from the checkout's own server`);
  }
  return { page: new URL("checkout", base), orders: new URL("api/v1/orders/public", base) };
}
