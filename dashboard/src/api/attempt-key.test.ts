import { describe, expect, it } from "vitest";
import { AttemptKey } from "./attempt-key";

function counted(): AttemptKey {
  let count = 0;
  return new AttemptKey(() => `key-${++count}`);
}

describe("AttemptKey", () => {
  it("keeps the key of an unchanged request", () => {
    const attempt = counted();
    expect(attempt.for({ amount: 100 })).toBe("key-1");
    expect(attempt.for({ amount: 100 })).toBe("key-1");
  });

  it("gives a changed request a new key", () => {
    const attempt = counted();
    attempt.for({ amount: 100 });
    expect(attempt.for({ amount: 200 })).toBe("key-2");
  });

  it("gives a new key after a final answer", () => {
    const attempt = counted();
    attempt.for({ amount: 100 });
    attempt.settle();
    expect(attempt.for({ amount: 100 })).toBe("key-2");
  });

  it("makes keys that differ", () => {
    expect(new AttemptKey().for(1)).toMatch(/^[0-9a-f]{32}$/);
    expect(new AttemptKey().for(1)).not.toBe(new AttemptKey().for(1));
  });
});
