import { describe, expect, it } from "vitest";
import { queryString, safeReturnPath } from "./query-string";

describe("queryString", () => {
  it("leaves out what is empty", () => {
    expect(queryString({ limit: 20, offset: 0, q: "", status: undefined, method: null })).toBe("?limit=20&offset=0");
    expect(queryString({ q: "" })).toBe("");
  });

  it("escapes what a person typed", () => {
    expect(queryString({ q: "a&b=c@d e" })).toBe("?q=a%26b%3Dc%40d+e");
  });
});

describe("safeReturnPath", () => {
  it.each(["/dashboard", "/dashboard/transactions?q=pay_1", "/dashboard?period=7"])("keeps %s", (path) => {
    expect(safeReturnPath(path)).toBe(path);
  });

  it.each([null, "", "//evil.example", "https://evil.example", "/dashboardx", "/\\evil.example", "javascript:alert(1)"])(
    "sends %s home",
    (path) => {
      expect(safeReturnPath(path)).toBe("/dashboard");
    },
  );
});
