import { describe, expect, it } from "vitest";
import {
  cvvProblem,
  expiryProblem,
  formatExpiry,
  groupNumber,
  networkOf,
  numberProblem,
  parseExpiry,
  passesLuhn,
} from "../src/card.ts";

describe("networkOf", () => {
  it.each([
    ["4", "visa"],
    ["4111 1111", "visa"],
    ["51", "mastercard"],
    ["55-55", "mastercard"],
    ["50", "unknown"],
    ["56", "unknown"],
    ["34", "amex"],
    ["37", "amex"],
    ["36", "unknown"],
    ["60", "rupay"],
    ["65", "rupay"],
    ["81", "rupay"],
    ["89", "rupay"],
    ["80", "unknown"],
    ["6", "unknown"],
    ["", "unknown"],
  ])("%s is of %s", (number, network) => {
    expect(networkOf(number)).toBe(network);
  });
});

describe("passesLuhn", () => {
  it.each(["4111111111111111", "5555555555554444", "378282246310005", "6521111111111110", "4000000000000002"])(
    "accepts %s",
    (digits) => {
      expect(passesLuhn(digits)).toBe(true);
    },
  );

  it.each(["4111111111111112", "4111111111111161", ""])("refuses %j", (digits) => {
    expect(passesLuhn(digits)).toBe(false);
  });

  it("notices every single wrong digit", () => {
    const number = "4111111111111111";
    for (let position = 0; position < number.length; position += 1) {
      const wrong = (Number(number[position]) + 1) % 10;
      expect(passesLuhn(number.slice(0, position) + wrong + number.slice(position + 1))).toBe(false);
    }
  });
});

describe("groupNumber", () => {
  it.each([
    ["4111111111111111", "4111 1111 1111 1111"],
    ["41111", "4111 1"],
    ["4111-1111", "4111 1111"],
    ["4111", "4111"],
    ["378282246310005", "3782 822463 10005"],
    ["37828", "3782 8"],
    ["6304000000000000000", "6304 0000 0000 0000 000"],
    ["63040000000000000001", "6304 0000 0000 0000 000"],
    ["abc", ""],
  ])("writes %s as %j", (typed, grouped) => {
    expect(groupNumber(typed)).toBe(grouped);
  });
});

describe("numberProblem", () => {
  it.each(["4111 1111 1111 1111", "4111-1111-1111-1111", "4222222222222"])("finds nothing wrong with %s", (number) => {
    expect(numberProblem(number)).toBeNull();
  });

  it.each([
    ["", "Enter the card number."],
    ["4111 1111 1111", "The card number is too short."],
    ["4111 1111 1111 1112", "Check the card number: a digit seems wrong."],
    ["41111111111111111111", "Check the card number: a digit seems wrong."],
  ])("says of %j: %s", (number, problem) => {
    expect(numberProblem(number)).toBe(problem);
  });
});

describe("cvvProblem", () => {
  it.each([
    ["123", "visa"],
    ["1234", "amex"],
    ["123", "unknown"],
    ["1234", "unknown"],
  ] as const)("accepts %s for %s", (cvv, network) => {
    expect(cvvProblem(cvv, network)).toBeNull();
  });

  it.each([
    ["", "visa"],
    ["12", "visa"],
    ["1234", "visa"],
    ["123", "amex"],
    ["12a", "rupay"],
    ["12345", "unknown"],
  ] as const)("refuses %j for %s", (cvv, network) => {
    expect(cvvProblem(cvv, network)).not.toBeNull();
  });
});

describe("formatExpiry", () => {
  const type = (keys: string): string => [...keys].reduce((text, key) => formatExpiry(text + key), "");

  it.each([
    ["1", "1"],
    ["12", "12/"],
    ["1230", "12/30"],
    ["12/30", "12/30"],
    ["5", "05/"],
    ["530", "05/30"],
    ["5/30", "05/30"],
    ["0530", "05/30"],
    ["1/30", "01/30"],
    ["12/2030", "12/2030"],
  ])("typing %s gives %s", (keys, text) => {
    expect(type(keys)).toBe(text);
  });

  it("takes what a browser fills in", () => {
    expect(formatExpiry("12/2030")).toBe("12/2030");
    expect(formatExpiry("5/2030")).toBe("05/2030");
    expect(formatExpiry("12 / 30")).toBe("12/30");
  });
});

describe("parseExpiry", () => {
  it.each([
    ["12/30", { month: 12, year: 2030 }],
    ["12/2030", { month: 12, year: 2030 }],
    ["1/30", { month: 1, year: 2030 }],
  ])("reads %s", (text, expiry) => {
    expect(parseExpiry(text)).toEqual(expiry);
  });

  it.each(["", "13/30", "00/30", "12", "12/3", "12/203", "ab/cd"])("does not read %j", (text) => {
    expect(parseExpiry(text)).toBeNull();
  });
});

describe("expiryProblem", () => {
  const today = new Date(2026, 4, 31);

  it.each(["05/26", "06/26", "01/2027"])("accepts %s in May 2026", (text) => {
    expect(expiryProblem(text, today)).toBeNull();
  });

  it.each([
    ["04/26", "This card has expired."],
    ["12/25", "This card has expired."],
    ["13/27", "Enter the expiry as MM/YY."],
    ["", "Enter the expiry date."],
  ])("says of %j: %s", (text, problem) => {
    expect(expiryProblem(text, today)).toBe(problem);
  });
});
