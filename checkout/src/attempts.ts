/**
 * What must outlive a reload for a customer never to pay twice: the idempotency key of the attempt under way, and the
 * payment that came of it. Nothing of a card is ever in here.
 */

export interface Attempt {
  key: string;
  paymentId: string | null;
}

/** Something that keeps texts across a reload. */
export interface Shelf {
  get(name: string): string | null;
  set(name: string, value: string): void;
  remove(name: string): void;
}

const NAME_PREFIX = "checkout.attempt.";

const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function parseAttempt(text: string | null): Attempt | null {
  if (text === null) return null;
  const [key, paymentId] = text.split(" ");
  return key ? { key, paymentId: paymentId || null } : null;
}

/** The attempts of one order. */
export class Attempts {
  readonly #shelf: Shelf;
  readonly #name: string;

  constructor(shelf: Shelf, orderId: string) {
    this.#shelf = shelf;
    this.#name = NAME_PREFIX + orderId;
  }

  /** The attempt under way, if there is one. */
  get current(): Attempt | null {
    return parseAttempt(this.#shelf.get(this.#name));
  }

  /**
   * The attempt to send under: the one under way, or a new one.
   *
   * An attempt without a payment is one whose answer was never seen. It keeps its key, so that the same data sent again
   * gives the same payment; other data is refused by the API, and then `renew` is right.
   */
  begin(): Attempt {
    return this.current ?? this.renew();
  }

  renew(): Attempt {
    return this.#keep({ key: newKey(), paymentId: null });
  }

  becamePayment(paymentId: string): void {
    this.#keep({ ...this.begin(), paymentId });
  }

  /** After a final failure: what is tried next is another attempt. */
  end(): void {
    this.#shelf.remove(this.#name);
  }

  #keep(attempt: Attempt): Attempt {
    this.#shelf.set(this.#name, `${attempt.key} ${attempt.paymentId ?? ""}`);
    return attempt;
  }
}

/** A frame with third-party storage blocked has no sessionStorage; its history entry survives a reload all the same. */
const historyShelf: Shelf = {
  get: (name) => (history.state as Record<string, string> | null)?.[name] ?? null,
  set: (name, value) => history.replaceState({ ...(history.state as object | null), [name]: value }, ""),
  remove(name) {
    const { [name]: _removed, ...others } = (history.state as Record<string, string> | null) ?? {};
    history.replaceState(others, "");
  },
};

export function openShelf(): Shelf {
  try {
    const { sessionStorage } = window;
    sessionStorage.setItem(NAME_PREFIX, "");
    sessionStorage.removeItem(NAME_PREFIX);
    return {
      get: (name) => sessionStorage.getItem(name),
      set: (name, value) => sessionStorage.setItem(name, value),
      remove: (name) => sessionStorage.removeItem(name),
    };
  } catch {
    return historyShelf;
  }
}
