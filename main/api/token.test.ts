import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cookieValue, readOrMakeToken, readToken, secretMatcher, tokenPath } from "./token.ts";

describe("the token", () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "alluse-token-"));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  it("is made once, of 32 random bytes, for this user only", async () => {
    expect(await readToken(dataDir)).toBeNull();
    const token = await readOrMakeToken(dataDir);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(await readOrMakeToken(dataDir)).toBe(token);
    expect(await readdir(dataDir)).toEqual(["token"]);
    if (process.platform !== "win32") expect((await stat(tokenPath(dataDir))).mode & 0o777).toBe(0o600);
  });

  it.skipIf(process.platform === "win32")("is closed to others again when someone opened it", async () => {
    await readOrMakeToken(dataDir);
    await chmod(tokenPath(dataDir), 0o644);
    await readOrMakeToken(dataDir);
    expect((await stat(tokenPath(dataDir))).mode & 0o777).toBe(0o600);
  });

  it.each(["", "short", "g".repeat(64), "0".repeat(63)])("is refused in another form than its own: %j", async (text) => {
    await writeFile(tokenPath(dataDir), text);
    await expect(readOrMakeToken(dataDir)).rejects.toMatchObject({ code: "token_invalid" });
  });

  it("is not in the cookie", () => {
    const token = "ab".repeat(32);
    expect(cookieValue(token)).not.toContain(token);
    expect(cookieValue(token)).not.toBe(cookieValue("cd".repeat(32)));
  });

  it("matches itself and nothing else, of any length", () => {
    const matches = secretMatcher("secret");
    expect(matches("secret")).toBe(true);
    for (const other of ["", "secre", "secrets", "Secret", "secret\0"]) expect(matches(other)).toBe(false);
  });
});
