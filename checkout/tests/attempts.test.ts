import { beforeEach, describe, expect, it } from "vitest";
import { Attempts, type Shelf } from "../src/attempts.ts";

function memoryShelf(): Shelf & { texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    get: (name) => texts.get(name) ?? null,
    set: (name, value) => void texts.set(name, value),
    remove: (name) => void texts.delete(name),
  };
}

describe("Attempts", () => {
  let shelf: ReturnType<typeof memoryShelf>;
  let attempts: Attempts;
  const afterReload = (): Attempts => new Attempts(shelf, "order_1");

  beforeEach(() => {
    shelf = memoryShelf();
    attempts = new Attempts(shelf, "order_1");
  });

  it("knows of no attempt at first", () => {
    expect(attempts.current).toBeNull();
  });

  it("keeps one key for an attempt whose answer was not seen", () => {
    const { key } = attempts.begin();
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(attempts.begin().key).toBe(key);
    expect(afterReload().begin().key).toBe(key);
  });

  it("remembers the payment across a reload", () => {
    const { key } = attempts.begin();
    attempts.becamePayment("pay_1");
    expect(afterReload().current).toEqual({ key, paymentId: "pay_1" });
  });

  it("takes a new key after a final failure", () => {
    const { key } = attempts.begin();
    attempts.becamePayment("pay_1");
    attempts.end();
    expect(afterReload().current).toBeNull();
    expect(attempts.begin().key).not.toBe(key);
  });

  it("takes a new key when the data has changed under the old one", () => {
    const { key } = attempts.begin();
    const renewed = attempts.renew();
    expect(renewed.key).not.toBe(key);
    expect(afterReload().begin()).toEqual(renewed);
  });

  it("keeps orders apart", () => {
    const { key } = attempts.begin();
    expect(new Attempts(shelf, "order_2").begin().key).not.toBe(key);
  });

  it("puts nothing on the shelf but a key and a payment's id", () => {
    attempts.begin();
    attempts.becamePayment("pay_1");
    expect([...shelf.texts.values()]).toEqual([expect.stringMatching(/^[0-9a-f]{32} pay_1$/)]);
  });
});
