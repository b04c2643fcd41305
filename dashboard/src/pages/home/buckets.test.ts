import { describe, expect, it } from "vitest";
import { bucketDays } from "./buckets";

const now = new Date("2024-03-01T12:00:00Z");

describe("bucketDays", () => {
  it("fills the days without payments, from the first payment until today", () => {
    const buckets = bucketDays([{ date: "2024-02-27", count: 2, success: 1, amount: 500 }], {}, now);
    expect(buckets.map((bucket) => bucket.date)).toEqual(["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]);
    expect(buckets[0]).toEqual({ date: "2024-02-27", count: 2, success: 1, amount: 500, label: "27 Feb" });
    expect(buckets[3]?.count).toBe(0);
  });

  it("keeps to the period asked for", () => {
    expect(bucketDays([], { from: "2024-01-01", to: "2024-01-07" }, now)).toHaveLength(7);
  });

  it("has nothing to show without payments or period", () => {
    expect(bucketDays([], {}, now)).toEqual([]);
    expect(bucketDays([], { from: "2024-02-01", to: "2024-01-01" }, now)).toEqual([]);
  });

  it("groups long periods without losing a payment", () => {
    const days = ["2023-06-05", "2023-06-11", "2023-06-12"].map((date) => ({ date, count: 1, success: 1, amount: 100 }));
    const weeks = bucketDays(days, {}, now);
    expect(weeks[0]).toMatchObject({ date: "2023-06-05", count: 2, amount: 200, label: "Week of 5 Jun 2023" });
    expect(weeks[1]).toMatchObject({ date: "2023-06-12", count: 1 });

    const months = bucketDays([...days, { date: "2020-01-31", count: 5, success: 0, amount: 0 }], {}, now);
    expect(months[0]).toMatchObject({ date: "2020-01-01", count: 5, label: "Jan 2020" });
    expect(months.reduce((sum, month) => sum + month.count, 0)).toBe(8);
  });
});
