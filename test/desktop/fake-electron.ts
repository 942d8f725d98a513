/**
 * Stands in for `electron` in tests: the parts of it that main/desktop uses, with the rules that Electron enforces (what
 * must come before `ready`, which folder must exist, what quitting does in which order). Its shape is checked against
 * Electron's own types at the end of this file, so that it cannot drift from them unseen.
 */
import { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import type Electron from "electron";

type Listener = (...args: never[]) => void;

/** Electron's overloaded `on` of some emitter, served by a plain one. */
function listen<T>(emitter: EventEmitter): T {
  const on = (event: string, listener: Listener): unknown => emitter.on(event, listener as (...args: unknown[]) => void);
  return on as T;
}

function listenOnce<T>(emitter: EventEmitter): T {
  const once = (event: string, listener: Listener): unknown => emitter.once(event, listener as (...args: unknown[]) => void);
  return once as T;
}

/** An event as handed to listeners; tells whether it was prevented. */
export class FakeEvent {
  defaultPrevented = false;

  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

/** What happened to the fake, for tests to look at. */
export class Recorded {
  ready = false;
  schemes: Electron.CustomScheme[] | null = null;
  sandboxed = false;
  userData = "";
  /** Set before the start to have the lock taken by somebody else. */
  lockTaken = process.env["FAKE_ELECTRON_LOCK_TAKEN"] === "1";
  exitCode: number | null = null;
  handler: ((request: Request) => Response | Promise<Response>) | null = null;
  permissionRequest: Parameters<Electron.Session["setPermissionRequestHandler"]>[0] = null;
  permissionCheck: Parameters<Electron.Session["setPermissionCheckHandler"]>[0] = null;
  devicePermission: Parameters<Electron.Session["setDevicePermissionHandler"]>[0] = null;
  beforeRequest: ((url: string) => boolean) | null = null;
  /** What keeps the keys of `safeStorage`; null: nothing does. */
  keyStore: ReturnType<Electron.SafeStorage["getSelectedStorageBackend"]> | null = "gnome_libsecret";
  readonly windows: FakeBrowserWindow[] = [];
  readonly trays: FakeTray[] = [];
  readonly notifications: FakeNotification[] = [];
  readonly errorBoxes: { readonly title: string; readonly content: string }[] = [];
  readonly workArea = { x: 0, y: 0, width: 1920, height: 1080 };
  /** Replaced where the fake runs in the tests' own process, which must not end. */
  exit: (code: number) => void = (code) => process.exit(code);
}

export const recorded = new Recorded();

const appEvents = new EventEmitter();
const powerEvents = new EventEmitter();
let nextId = 1;

class FakeApp {
  readonly isPackaged = process.env["FAKE_ELECTRON_PACKAGED"] === "1";
  readonly on: Electron.App["on"] = listen(appEvents);

  whenReady(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        recorded.ready = true;
        resolve();
      });
    });
  }

  enableSandbox(): void {
    if (recorded.ready) throw new Error("app.enableSandbox() can only be called before app is ready");
    recorded.sandboxed = true;
  }

  setPath(name: string, path: string): void {
    if (!existsSync(path)) throw new Error(`Failed to set path: ${path} does not exist`);
    if (name === "userData") recorded.userData = path;
  }

  getPath(): string {
    return recorded.userData;
  }

  requestSingleInstanceLock(): boolean {
    return !recorded.lockTaken;
  }

  setAsDefaultProtocolClient(): boolean {
    return true;
  }

  focus(): void {}

  /** As Electron: `before-quit` may hold it back; then windows close, then `will-quit` and the end. */
  quit(): void {
    const event = new FakeEvent();
    appEvents.emit("before-quit", event);
    if (event.defaultPrevented) return;
    for (const window of recorded.windows) window.close();
    appEvents.emit("will-quit", new FakeEvent());
    this.exit(recorded.exitCode ?? 0);
  }

  exit(code = 0): void {
    recorded.exitCode = code;
    recorded.exit(code);
  }
}

class FakeWebContents {
  readonly events = new EventEmitter();
  readonly on: Electron.WebContents["on"] = listen(this.events);
  openHandler: Parameters<Electron.WebContents["setWindowOpenHandler"]>[0] | null = null;
  reloads = 0;

  setWindowOpenHandler(handler: Parameters<Electron.WebContents["setWindowOpenHandler"]>[0]): void {
    this.openHandler = handler;
  }

  reload(): void {
    this.reloads++;
  }

  /** Whether the contents' page would go to `url` when it tries to. */
  wouldNavigate(url: string, event: "will-frame-navigate" | "will-redirect" = "will-frame-navigate"): boolean {
    const details = Object.assign(new FakeEvent(), { url });
    this.events.emit(event, details);
    return !details.defaultPrevented;
  }

  wouldAttachWebview(): boolean {
    const event = new FakeEvent();
    this.events.emit("will-attach-webview", event, {}, {});
    return !event.defaultPrevented;
  }
}

class FakeBrowserWindow {
  readonly id = nextId++;
  readonly options: Electron.BrowserWindowConstructorOptions;
  readonly contents = new FakeWebContents();
  readonly webContents = this.contents as unknown as Electron.WebContents;
  readonly events = new EventEmitter();
  readonly on: Electron.BrowserWindow["on"] = listen(this.events);
  readonly once: Electron.BrowserWindow["once"] = listenOnce(this.events);
  /** All that was loaded, the newest last. */
  readonly urls: string[] = [];
  bounds: Electron.Rectangle;
  visible = false;
  focused = false;
  minimized = false;
  maximized = false;
  closed = false;

  constructor(options: Electron.BrowserWindowConstructorOptions = {}) {
    if (!recorded.ready) throw new Error("Cannot create BrowserWindow before app is ready");
    this.options = options;
    this.bounds = { x: options.x ?? 320, y: options.y ?? 110, width: options.width ?? 800, height: options.height ?? 600 };
    this.visible = options.show !== false;
    recorded.windows.push(this);
    appEvents.emit("web-contents-created", new FakeEvent(), this.webContents);
  }

  loadURL(url: string): Promise<void> {
    this.urls.push(url);
    setImmediate(() => this.events.emit("ready-to-show"));
    return Promise.resolve();
  }

  show(): void {
    this.visible = true;
    this.focused = true;
  }

  focus(): void {
    this.focused = true;
  }

  maximize(): void {
    this.maximized = true;
  }

  restore(): void {
    this.minimized = false;
  }

  isMinimized(): boolean {
    return this.minimized;
  }

  isMaximized(): boolean {
    return this.maximized;
  }

  getNormalBounds(): Electron.Rectangle {
    return this.bounds;
  }

  close(): void {
    if (this.closed) return;
    this.events.emit("close", new FakeEvent());
    this.closed = true;
    this.visible = false;
    this.events.emit("closed");
    if (recorded.windows.some((each) => !each.closed)) return;
    // With nobody listening, Electron quits when the last window closes.
    if (!appEvents.emit("window-all-closed")) app.quit();
  }
}

class FakeTray {
  readonly events = new EventEmitter();
  readonly on: Electron.Tray["on"] = listen(this.events);
  image: Electron.NativeImage | string;
  toolTip = "";
  menu: FakeMenu | null = null;

  constructor(image: Electron.NativeImage | string) {
    this.image = image;
    recorded.trays.push(this);
  }

  setImage(image: Electron.NativeImage | string): void {
    this.image = image;
  }

  setToolTip(toolTip: string): void {
    this.toolTip = toolTip;
  }

  setContextMenu(menu: Electron.Menu | null): void {
    this.menu = menu as unknown as FakeMenu | null;
  }
}

export class FakeMenu {
  readonly template: Electron.MenuItemConstructorOptions[];

  constructor(template: Electron.MenuItemConstructorOptions[]) {
    this.template = template;
  }

  static buildFromTemplate(template: Electron.MenuItemConstructorOptions[]): Electron.Menu {
    return new FakeMenu(template) as unknown as Electron.Menu;
  }

  static setApplicationMenu(): void {}

  labels(): (string | undefined)[] {
    return this.template.map((item) => item.label);
  }

  click(label: string): void {
    const item = this.template.find((each) => each.label === label);
    if (item?.click === undefined) throw new Error(`no menu item ${label} to click among ${this.labels().join(", ")}`);
    item.click({} as Electron.MenuItem, undefined, {});
  }
}

class FakeNotification {
  readonly events = new EventEmitter();
  readonly on: Electron.Notification["on"] = listen(this.events);
  readonly options: Electron.NotificationConstructorOptions;
  state: "new" | "shown" | "closed" = "new";

  constructor(options: Electron.NotificationConstructorOptions = {}) {
    this.options = options;
    recorded.notifications.push(this);
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    this.state = "shown";
  }

  close(): void {
    this.state = "closed";
    this.events.emit("close", new FakeEvent());
  }
}

/** A picture made of PNG representations, at 1x and 2x. */
export class FakeImage {
  readonly representations: Electron.AddRepresentationOptions[] = [];

  addRepresentation(options: Electron.AddRepresentationOptions): void {
    this.representations.push(options);
  }
}

export const app = new FakeApp();
export const BrowserWindow = FakeBrowserWindow;
export const Tray = FakeTray;
export const Menu = FakeMenu;
export const Notification = FakeNotification;
export const powerMonitor = { on: listen<Electron.PowerMonitor["on"]>(powerEvents), onBatteryPower: false };
export const screen = { getAllDisplays: () => [{ workArea: recorded.workArea }] as Electron.Display[] };
export const nativeTheme = { shouldUseDarkColors: false };
export const nativeImage = { createEmpty: () => new FakeImage() as unknown as Electron.NativeImage };
/** Not an encryption: it only makes the text unreadable, and knows its own. */
const SEALED = "v10";
export const safeStorage = {
  isEncryptionAvailable: (): boolean => recorded.ready && recorded.keyStore !== null,
  getSelectedStorageBackend: (): ReturnType<Electron.SafeStorage["getSelectedStorageBackend"]> => recorded.keyStore ?? "unknown",
  encryptString(text: string): Buffer {
    if (!this.isEncryptionAvailable()) throw new Error("Error while encrypting the text provided to safeStorage.encryptString.");
    return Buffer.from(SEALED + Buffer.from(text).toString("hex"));
  },
  decryptString(sealed: Buffer): string {
    const text = sealed.toString();
    if (!text.startsWith(SEALED)) throw new Error("Error while decrypting the ciphertext provided to safeStorage.decryptString.");
    return Buffer.from(text.slice(SEALED.length), "hex").toString();
  },
};
export const dialog = {
  showErrorBox(title: string, content: string): void {
    recorded.errorBoxes.push({ title, content });
  },
};

export const protocol = {
  registerSchemesAsPrivileged(schemes: Electron.CustomScheme[]): void {
    if (recorded.ready || recorded.schemes !== null)
      throw new Error("registerSchemesAsPrivileged can be called once, before ready");
    recorded.schemes = schemes;
  },
  handle(scheme: string, handler: (request: Request) => Response | Promise<Response>): void {
    if (!recorded.ready || recorded.handler !== null) throw new Error(`${scheme} can be handled once, after ready`);
    recorded.handler = handler;
  },
};

export const session = {
  defaultSession: {
    setPermissionRequestHandler(handler: typeof recorded.permissionRequest): void {
      recorded.permissionRequest = handler;
    },
    setPermissionCheckHandler(handler: typeof recorded.permissionCheck): void {
      recorded.permissionCheck = handler;
    },
    setDevicePermissionHandler(handler: typeof recorded.devicePermission): void {
      recorded.devicePermission = handler;
    },
    webRequest: {
      onBeforeRequest(...args: unknown[]): void {
        const listener = args.at(-1) as (
          details: { url: string },
          callback: (response: Electron.CallbackResponse) => void,
        ) => void;
        recorded.beforeRequest = (url) => {
          let cancelled = false;
          listener({ url }, (response) => (cancelled = response.cancel === true));
          return !cancelled;
        };
      },
    },
  },
};

/** Events of the operating system and of Electron itself, as tests cause them. */
export const cause = {
  secondInstance: (argv: string[]): void => void appEvents.emit("second-instance", new FakeEvent(), argv, "/", null),
  openUrl: (url: string): void => void appEvents.emit("open-url", new FakeEvent(), url),
  activate: (): void => void appEvents.emit("activate", new FakeEvent(), false),
  suspend: (): void => void powerEvents.emit("suspend"),
  resume: (): void => void powerEvents.emit("resume"),
};

/** Forgets everything, for the next test in the same process. */
export function reset(): void {
  appEvents.removeAllListeners();
  powerEvents.removeAllListeners();
  Object.assign(recorded, new Recorded());
}

/** What main/desktop uses of each part. A name that Electron does not have, or has otherwise, fails the type check here. */
interface Used {
  readonly app: Pick<
    Electron.App,
    | "enableSandbox"
    | "exit"
    | "focus"
    | "getPath"
    | "isPackaged"
    | "on"
    | "quit"
    | "requestSingleInstanceLock"
    | "setAsDefaultProtocolClient"
    | "setPath"
    | "whenReady"
  >;
  readonly BrowserWindow: new (
    options?: Electron.BrowserWindowConstructorOptions,
  ) => Pick<
    Electron.BrowserWindow,
    | "close"
    | "focus"
    | "getNormalBounds"
    | "isMaximized"
    | "isMinimized"
    | "loadURL"
    | "maximize"
    | "on"
    | "once"
    | "restore"
    | "show"
    | "webContents"
  >;
  readonly Tray: new (
    image: Electron.NativeImage | string,
  ) => Pick<Electron.Tray, "on" | "setContextMenu" | "setImage" | "setToolTip">;
  readonly Menu: Pick<typeof Electron.Menu, "buildFromTemplate" | "setApplicationMenu">;
  readonly Notification: Pick<typeof Electron.Notification, "isSupported"> &
    (new (options?: Electron.NotificationConstructorOptions) => Pick<Electron.Notification, "close" | "on" | "show">);
  readonly powerMonitor: Pick<Electron.PowerMonitor, "on" | "onBatteryPower">;
  readonly screen: Pick<Electron.Screen, "getAllDisplays">;
  readonly nativeTheme: Pick<Electron.NativeTheme, "shouldUseDarkColors">;
  readonly nativeImage: Pick<typeof Electron.nativeImage, "createEmpty">;
  readonly safeStorage: Pick<
    Electron.SafeStorage,
    "decryptString" | "encryptString" | "getSelectedStorageBackend" | "isEncryptionAvailable"
  >;
  readonly dialog: Pick<Electron.Dialog, "showErrorBox">;
  readonly protocol: Pick<Electron.Protocol, "handle" | "registerSchemesAsPrivileged">;
  readonly session: {
    readonly defaultSession: Pick<
      Electron.Session,
      "setDevicePermissionHandler" | "setPermissionCheckHandler" | "setPermissionRequestHandler"
    > & { readonly webRequest: Pick<Electron.WebRequest, "onBeforeRequest"> };
  };
}

export default {
  app,
  BrowserWindow,
  Tray,
  Menu,
  Notification,
  powerMonitor,
  screen,
  nativeTheme,
  nativeImage,
  safeStorage,
  dialog,
  protocol,
  session,
} satisfies Used;
