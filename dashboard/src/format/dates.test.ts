import { describe, expect, it } from "vitest";
import { addDays, dateDaysAgo, formatDay, formatRelative, formatTimestamp } from "./dates";

const now = new Date("2024-03-01T12:00:00Z");

describe("dates", () => {
  it("writes times as the API counts them", () => {
    expect(formatTimestamp("2024-01-15T10:31:00Z")).toBe("2024-01-15 10:31:00");
    expect(formatTimestamp("2024-01-15T10:31:00+05:30")).toBe("2024-01-15 05:01:00");
  });

  it.each([
    ["2024-03-01T11:59:55Z", "just now"],
    ["2024-03-01T11:59:20Z", "40 s ago"],
    ["2024-03-01T11:56:00Z", "4 min ago"],
    ["2024-03-01T09:00:00Z", "3 h ago"],
    ["2024-02-18T12:00:00Z", "12 d ago"],
    ["2024-03-01T12:05:00Z", "in 5 min"],
  ])("%s is %s", (iso, expected) => {
    expect(formatRelative(iso, now)).toBe(expected);
  });

  it("counts days over the end of February", () => {
    expect(dateDaysAgo(1, now)).toBe("2024-02-29");
    expect(addDays("2024-02-28", 2)).toBe("2024-03-01");
  });

  it("names the year only when it is another one", () => {
    expect(formatDay("2024-01-15", now)).toBe("15 Jan");
    expect(formatDay("2023-01-15", now)).toBe("15 Jan 2023");
  });
});
