/**
 * What goes into the door and what comes out. A web `Request` is a DoorRequest; an Answer becomes a web `Response` by
 * `webDoor`. The door itself uses neither class: merely naming Node's own Request, Response or fetch loads its HTTP client,
 * 15 MB that a headless agent has no use for.
 */
export interface DoorRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly body: AsyncIterable<Uint8Array> | null;
  /** The whole body, or null as soon as it is longer than the limit. Where it is there, it costs less than reading `body`. */
  collect?(limitBytes: number): Promise<Uint8Array | null>;
}

/** A stream is read as fast as the client takes it, and ended (`return`) when the client goes away. */
export type AnswerBody = string | Uint8Array | AsyncIterable<string> | null;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AnswerBody;
}

export type Door = (request: DoorRequest) => Promise<Answer>;

/** The door as one function from a web Request to a web Response. */
export function webDoor(door: Door): (request: Request) => Promise<Response> {
  return async (request) => {
    const { status, headers, body } = await door(request);
    return new Response(isStream(body) ? webStream(body) : (body as string | Uint8Array<ArrayBuffer> | null), {
      status,
      headers,
    });
  };
}

export function isStream(body: AnswerBody): body is AsyncIterable<string> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function webStream(texts: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = texts[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const result = await iterator.next();
        if (result.done) controller.close();
        else controller.enqueue(encoder.encode(result.value));
      },
      cancel: async () => void (await iterator.return?.()),
    },
    // No reading ahead: what has not been asked for is still the newest when it is.
    { highWaterMark: 0 },
  );
}
