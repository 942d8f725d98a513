import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redactSecrets } from "./redact.ts";

const SECRET = "Hunter2xQ";

describe("secrets are taken out of", () => {
  it.each([
    [`mysql --user=app --password=${SECRET} shop`, "mysql --user=app --password=*** shop"],
    [`curl --token ${SECRET} http://a/b`, "curl --token *** http://a/b"],
    [`tool --db-password '${SECRET} with blanks' --verbose`, "tool --db-password *** --verbose"],
    [`psql postgres://app:${SECRET}@db:5432/shop`, "psql postgres://app:***@db:5432/shop"],
    [`curl -H "Authorization: Bearer ${SECRET}"`, 'curl -H "Authorization: Bearer ***"'],
    [`PGPASSWORD=${SECRET} psql`, "PGPASSWORD=*** psql"],
    [`run API_KEY=${SECRET}&x=1`, "run API_KEY=***&x=1"],
    [`{"secret": "${SECRET}"}`, '{"secret": ***}'],
    ["git clone https://x/y ghp_abcdefghijklmnopqrst0123", "git clone https://x/y ***"],
    ["agent AKIAIOSFODNN7EXAMPLE", "agent ***"],
    ["login eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF", "login ***"],
    ["sign 0123456789abcdef0123456789abcdef", "sign ***"],
    ["sign dGhpcyBpcyBhIHNlY3JldCBrZXkgMTIz", "sign ***"],
  ])("%s", (text, redacted) => {
    expect(redactSecrets(text)).toBe(redacted);
  });

  it("nothing where there are none", () => {
    for (const text of [
      "/usr/lib/jvm/java-17-openjdk-amd64/bin/java -Xmx4g -jar server.jar",
      "node --max-old-space-size=512 /srv/app/very-long-name-of-a-program-2/index.js",
      "postgres: autovacuum launcher",
      "",
    ])
      expect(redactSecrets(text)).toBe(text);
  });

  it("any text, wherever a password stands in it", () => {
    const word = fc.stringMatching(/^[a-z0-9./=-]{0,20}$/);
    fc.assert(
      fc.property(fc.array(word), fc.array(word), (before, after) => {
        const text = [...before, `--password=${SECRET}`, ...after].join(" ");
        expect(redactSecrets(text)).not.toContain(SECRET);
      }),
    );
  });

  it("a long text that is made to be slow, in time", () => {
    for (const text of ["password".repeat(20_000), "a-".repeat(50_000), "://:".repeat(30_000), `token${" ".repeat(100_000)}`]) {
      const before = process.cpuUsage();
      redactSecrets(text);
      const { user } = process.cpuUsage(before);
      expect(user / 1000).toBeLessThan(3000);
    }
  });
});
