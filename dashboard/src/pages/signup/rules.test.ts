import { describe, expect, it } from "vitest";
import { signUpProblems } from "./rules";

const good = { name: "Shop", email: "shop@example.com", password: "long enough" };

describe("signUpProblems", () => {
  it("finds none in a complete form", () => {
    expect(signUpProblems(good)).toEqual({});
  });

  it.each([
    ["name", { ...good, name: "  " }],
    ["email", { ...good, email: "shop@example" }],
    ["email", { ...good, email: "shop example.com" }],
    ["password", { ...good, password: "short" }],
  ])("names the %s", (field, values) => {
    expect(Object.keys(signUpProblems(values))).toEqual([field]);
  });
});
