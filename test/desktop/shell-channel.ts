/**
 * The child's side of a desktop shell under test: answers the test's questions about the fake, causes its events, and
 * puts the handler that the shell registered for `alluse://` behind a loopback address, so that a real browser can load
 * from it. Requests reach the handler as Electron hands them over.
 */
import { createServer } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { AddressInfo } from "node:net";
import { app, cause, type FakeImage, recorded } from "./fake-electron.ts";

const ORIGIN = "alluse://app";

/** What the test sees of the shell. */
export interface ShellState {
  readonly schemes: unknown;
  readonly sandboxed: boolean;
  readonly userData: string;
  readonly windows: readonly {
    readonly urls: readonly string[];
    readonly visible: boolean;
    readonly focused: boolean;
    readonly closed: boolean;
    readonly reloads: number;
    readonly bounds: { x: number; y: number; width: number; height: number };
    readonly webPreferences: Readonly<Record<string, unknown>>;
  }[];
  readonly tray: {
    readonly toolTip: string;
    readonly labels: readonly (string | undefined)[];
    readonly scales: readonly number[];
  } | null;
  readonly notifications: readonly {
    readonly title: string;
    readonly body: string;
    readonly urgency: string;
    readonly state: string;
  }[];
  readonly errorBoxes: readonly { readonly title: string; readonly content: string }[];
}

/** What the test may ask for; each is answered with what it returns. */
const commands = {
  state: (): ShellState => ({
    schemes: recorded.schemes,
    sandboxed: recorded.sandboxed,
    userData: recorded.userData,
    windows: recorded.windows.map((window) => ({
      urls: window.urls,
      visible: window.visible,
      focused: window.focused,
      closed: window.closed,
      reloads: window.contents.reloads,
      bounds: window.bounds,
      webPreferences: { ...window.options.webPreferences },
    })),
    tray: trayState(),
    notifications: recorded.notifications.map(({ options, state }) => ({
      title: options.title ?? "",
      body: options.body ?? "",
      urgency: options.urgency ?? "",
      state,
    })),
    errorBoxes: recorded.errorBoxes,
  }),
  serve,
  clickTray: (): void => void recorded.trays[0].events.emit("click"),
  clickMenu: (label: string): void => recorded.trays[0].menu?.click(label),
  clickNotification: (index: number): void => void recorded.notifications[index].events.emit("click"),
  closeWindow: (): void => recorded.windows.at(-1)?.close(),
  moveWindow: (bounds: { x: number; y: number; width: number; height: number }): void => {
    recorded.windows.at(-1)!.bounds = bounds;
  },
  killPage: (): void => void recorded.windows.at(-1)?.contents.events.emit("render-process-gone", {}, { reason: "crashed" }),
  wouldNavigate: (url: string): boolean => recorded.windows.at(-1)!.contents.wouldNavigate(url),
  wouldRedirect: (url: string): boolean => recorded.windows.at(-1)!.contents.wouldNavigate(url, "will-redirect"),
  wouldOpen: (url: string): string | undefined => recorded.windows.at(-1)!.contents.openHandler?.({ url } as never).action,
  wouldAttachWebview: (): boolean => recorded.windows.at(-1)!.contents.wouldAttachWebview(),
  wouldLoad: (url: string): boolean | undefined => recorded.beforeRequest?.(url),
  wouldPermit: (permission: string): unknown[] => {
    const answers: unknown[] = [];
    recorded.permissionRequest?.({} as never, permission as never, (granted) => answers.push(granted), {} as never);
    answers.push(recorded.permissionCheck?.(null, permission as never, "alluse://app", {} as never));
    answers.push(recorded.devicePermission?.({ deviceType: permission } as never));
    return answers;
  },
  request: async (url: string, initiatorOrigin: string | null): Promise<number> => {
    const request = Object.assign(new Request(url), { initiatorOrigin });
    const answer = await recorded.handler!(request);
    await answer.body?.cancel();
    return answer.status;
  },
  quit: (): void => app.quit(),
  ...cause,
};

export type Commands = typeof commands;

interface Question {
  readonly id: number;
  readonly command: keyof Commands;
  readonly args: readonly unknown[];
}

export function serveShell(): void {
  process.on("message", (question: Question) => {
    const command = commands[question.command] as (...args: readonly unknown[]) => unknown;
    void Promise.resolve()
      .then(() => command(...question.args))
      .then(
        (value) => process.send?.({ id: question.id, value }),
        (error: unknown) => process.send?.({ id: question.id, error: String(error) }),
      );
  });
  // The channel is the test's; the shell lives and ends as if it were not there, and ends with the test.
  process.channel?.unref();
  process.on("disconnect", () => process.exit());
}

function trayState(): ShellState["tray"] {
  const tray = recorded.trays[0];
  if (tray === undefined) return null;
  const image = tray.image as unknown as FakeImage;
  return {
    toolTip: tray.toolTip,
    labels: tray.menu?.labels() ?? [],
    scales: image.representations.map((each) => each.scaleFactor ?? 1),
  };
}

/** Opens the loopback address. Resolves with its origin. */
function serve(): Promise<string> {
  let origin = "";
  const server = createServer((incoming, outgoing) => {
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers)) {
      // Custom schemes have no Host, and name themselves as the origin.
      if (name !== "host" && typeof value === "string") headers.set(name, value.replaceAll(origin, ORIGIN));
    }
    const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
    const gone = new AbortController();
    outgoing.on("close", () => gone.abort());
    const request = new Request(`${ORIGIN}${incoming.url ?? "/"}`, {
      method: incoming.method ?? "GET",
      headers,
      signal: gone.signal,
      ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: "half" }),
    } as RequestInit);
    // A load of the window is the shell's own; everything else is asked for by the page.
    const initiator = incoming.headers["sec-fetch-mode"] === "navigate" ? {} : { initiatorOrigin: ORIGIN };
    void Promise.resolve(recorded.handler!(Object.assign(request, initiator))).then((answer) => {
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body === null) outgoing.end();
      else
        Readable.fromWeb(answer.body as ReadableStream<Uint8Array>)
          .on("error", () => outgoing.destroy())
          .pipe(outgoing);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      server.unref();
      resolve(origin);
    });
  });
}
