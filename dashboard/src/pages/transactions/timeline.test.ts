import { describe, expect, it } from "vitest";
import type { Delivery } from "../../api/types";
import { timeline } from "./timeline";

const delivery: Delivery = {
  id: "log_1",
  event: "payment.success",
  status: "failed",
  attempts: 5,
  created_at: "2024-01-15T10:31:10Z",
  last_attempt_at: "2024-01-15T12:31:10Z",
  next_retry_at: null,
  response_code: 500,
};

describe("timeline", () => {
  it("puts the latest first and a webhook above the event of the same second", () => {
    const entries = timeline(
      [
        { id: "evt_2", event: "payment.success", created_at: "2024-01-15T10:31:10Z", data: {} },
        { id: "evt_1", event: "payment.created", created_at: "2024-01-15T10:31:00Z", data: {} },
      ],
      [delivery, { ...delivery, id: "log_2", attempts: 0, last_attempt_at: null, response_code: null, status: "pending" }],
    );
    expect(entries.map((entry) => entry.key)).toEqual(["log_1", "log_2", "evt_2", "evt_1"]);
    expect(entries.map((entry) => entry.detail)).toEqual([
      "5 attempts, answered 500",
      "not sent yet",
      "payment.success",
      "payment.created",
    ]);
  });

  it("says when nobody answered, and keeps names that it does not know", () => {
    const entries = timeline(
      [{ id: "evt_1", event: "payment.novel", created_at: "2024-01-15T10:31:00Z", data: {} }],
      [{ ...delivery, attempts: 1, response_code: null }],
    );
    expect(entries[0]?.detail).toBe("1 attempt, no answer");
    expect(entries[1]?.title).toBe("payment.novel");
  });
});
