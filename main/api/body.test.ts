import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readBody, readJson, readParameters } from "./body.ts";

const LIMITS = { sentBytes: 1000, plainBytes: 5000 };
const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  new Request("http://127.0.0.1/x", { method: "POST", body, headers, duplex: "half" } as RequestInit);

function chunked(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

const text = async (request: Request) => new TextDecoder().decode(await readBody(request, LIMITS));

describe("a body", () => {
  it.each([
    ["gzip", gzipSync("hello")],
    ["deflate", deflateSync("hello")],
    ["br", brotliCompressSync("hello")],
    ["identity", Buffer.from("hello")],
  ])("is read through %s", async (encoding, bytes) => {
    expect(await text(post(bytes, { "Content-Encoding": encoding }))).toBe("hello");
  });

  it("is read in chunks", async () => {
    expect(await text(post(chunked(Buffer.from("hel"), Buffer.from("lo"))))).toBe("hello");
  });

  it("is refused when it says it is too large, before it is read", async () => {
    await expect(text(post("x", { "Content-Length": "1001" }))).rejects.toMatchObject({ code: "body_too_large" });
  });

  it("is refused in chunks as soon as they are too large", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(400));
      },
    });
    await expect(text(post(endless))).rejects.toMatchObject({ code: "body_too_large" });
    expect(pulled).toBeLessThan(6);
  });

  it.each([
    ["gzip", gzipSync(Buffer.alloc(900_000))],
    ["br", brotliCompressSync(Buffer.alloc(900_000))],
    ["deflate", deflateSync(Buffer.alloc(900_000))],
  ])("that unfolds beyond the limit is refused: a %s bomb", async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(LIMITS.sentBytes);
    await expect(text(post(bomb, { "Content-Encoding": encoding }))).rejects.toMatchObject({ code: "body_too_large" });
  });

  it("is refused when it cannot be decompressed, or by an unknown encoding", async () => {
    await expect(text(post("hello", { "Content-Encoding": "gzip" }))).rejects.toMatchObject({ code: "body_invalid" });
    await expect(text(post("hello", { "Content-Encoding": "lzma" }))).rejects.toMatchObject({ code: "encoding_refused" });
    await expect(text(post("hello", { "Content-Encoding": "gzip, gzip" }))).rejects.toMatchObject({ code: "encoding_refused" });
  });

  it("of a form comes before the query's parameters", async () => {
    const request = new Request("http://127.0.0.1/x?query=b&match[]=c", {
      method: "POST",
      body: "query=a&match[]=d",
      headers: { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" },
    });
    const parameters = await readParameters(request, new URL(request.url));
    expect(parameters.get("query")).toBe("a");
    expect(parameters.getAll("match[]")).toEqual(["d", "c"]);
  });

  it.each(["application/json", "text/plain", "multipart/form-data; boundary=x"])("of a form is refused as %s", async (type) => {
    const request = post("query=a", { "Content-Type": type });
    await expect(readParameters(request, new URL(request.url))).rejects.toMatchObject({ code: "media_type_refused" });
  });

  it("is JSON only when it says so and is", async () => {
    expect(await readJson(post('{"a":1}', { "Content-Type": "application/json; charset=utf-8" }))).toEqual({ a: 1 });
    await expect(readJson(post('{"a":1}'))).rejects.toMatchObject({ code: "media_type_refused" });
    await expect(readJson(post('{"a":1', { "Content-Type": "application/json" }))).rejects.toMatchObject({
      code: "body_invalid",
    });
    const broken = Uint8Array.from([0x22, 0xff, 0x22]);
    await expect(readJson(post(broken, { "Content-Type": "application/json" }))).rejects.toMatchObject({ code: "body_invalid" });
  });
});
