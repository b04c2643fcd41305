import { describe, expect, it } from "vitest";
import { readEmbedding } from "../src/embedding.ts";

describe("readEmbedding", () => {
  it("reads the nonce and the shop's origin", () => {
    expect(readEmbedding("#nonce=abc&origin=https%3A%2F%2Fshop.example")).toEqual({
      nonce: "abc",
      targetOrigin: "https://shop.example",
    });
  });

  it.each(["", "#origin=null", "#origin=shop.example", "#origin=https%3A%2F%2Fshop.example%2Fpath", "#origin=file%3A%2F%2F"])(
    "speaks to anyone when %j names no origin",
    (fragment) => {
      expect(readEmbedding(fragment).targetOrigin).toBe("*");
    },
  );
});
