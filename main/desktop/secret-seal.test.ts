import { afterEach, expect, it } from "vitest";
import { recorded, reset } from "../../test/desktop/fake-electron.ts";
import { systemSeal } from "./secret-seal.ts";

afterEach(reset);

it("seals by the system's keys, so that the text is not to be seen", () => {
  recorded.ready = true;
  const seal = systemSeal()!;
  const sealed = seal.seal("hunter2");
  expect(Buffer.from(sealed, "base64").toString("latin1")).not.toContain("hunter2");
  expect(seal.open(sealed)).toBe("hunter2");
  expect(() => seal.open("bm90IHNlYWxlZA==")).toThrow();
});

it("is none where the system has none, or one that encrypts nothing", () => {
  recorded.ready = true;
  recorded.keyStore = null;
  expect(systemSeal()).toBeNull();
  recorded.keyStore = "basic_text";
  if (process.platform === "linux") expect(systemSeal()).toBeNull();
});
