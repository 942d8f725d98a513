import { chmod, open, readFile, rename } from "node:fs/promises";
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";

/** 32 random bytes as lower-case hex. */
const TOKEN_FORM = /^[0-9a-f]{64}$/;

export function tokenPath(dataDir: string): string {
  return join(dataDir, "token");
}

/** The token of a data folder, or null when it has none yet. Throws `token_invalid`, `token_unreadable`. */
export async function readToken(dataDir: string): Promise<string | null> {
  const path = tokenPath(dataDir);
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new AgentError("token_unreadable", `The token file ${path} cannot be read: ${errorText(error)}.`, {
      where: path,
      cause: error,
    });
  }
  if (!TOKEN_FORM.test(text)) {
    throw new AgentError(
      "token_invalid",
      `The token file ${path} does not hold 64 hex digits; delete it and start the agent again.`,
      {
        where: path,
      },
    );
  }
  return text;
}

/**
 * The token of a data folder, made on the first call: mode 0600, durable before it is used. A file that others may
 * read is closed to them again. The folder must exist, and the caller must hold its lock.
 */
export async function readOrMakeToken(dataDir: string): Promise<string> {
  const path = tokenPath(dataDir);
  const existing = await readToken(dataDir);
  if (existing !== null) {
    await chmod(path, 0o600).catch(() => undefined);
    return existing;
  }
  const token = randomBytes(32).toString("hex");
  // Written whole under another name first: a kill in between leaves no half token.
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  return token;
}

/** What the page's cookie holds: proves knowledge of the token without being it. */
export function cookieValue(token: string): string {
  return createHmac("sha256", token).update("all-use-agent page cookie, version 1").digest("base64url");
}

/** A comparison whose time does not depend on where the texts differ, nor on the length of the secret. */
export function secretMatcher(secret: string): (candidate: string) => boolean {
  const expected = createHash("sha256").update(secret).digest();
  return (candidate) => timingSafeEqual(createHash("sha256").update(candidate).digest(), expected);
}
