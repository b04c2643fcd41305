import { describe, expect, it } from "vitest";
import { vpaProblem } from "../src/upi.ts";

describe("vpaProblem", () => {
  it.each(["user@paytm", "john.doe@okhdfcbank", "user_123@phonepe", "a-b@ybl", `${"a".repeat(251)}@ybl`])(
    "accepts %s",
    (vpa) => {
      expect(vpaProblem(vpa)).toBeNull();
    },
  );

  it.each(["", "user @paytm", "@paytm", "user@@bank", "user@", "user", "user@bank.com", `${"a".repeat(252)}@ybl`])(
    "refuses %j",
    (vpa) => {
      expect(vpaProblem(vpa)).not.toBeNull();
    },
  );
});
