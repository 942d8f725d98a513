import type { App, Session } from "electron";
import { ORIGIN } from "./place.ts";

/** Whatever contents come to be, now or later, stay on our page: no other page, window, frame or webview. */
export function guardContents(app: App): void {
  app.on("web-contents-created", (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: "deny" }));
    contents.on("will-attach-webview", (event) => event.preventDefault());
    const stay = (event: { readonly url: string; preventDefault(): void }): void => {
      if (!isOurs(event.url)) event.preventDefault();
    };
    contents.on("will-frame-navigate", stay);
    contents.on("will-redirect", stay);
  });
}

/** The page asks for nothing of the machine, and nothing is loaded from anywhere but the door. */
export function guardSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest({ urls: ["<all_urls>"] }, ({ url }, callback) => {
    callback({ cancel: !isOurs(url) && !url.startsWith("devtools://") });
  });
}

function isOurs(url: string): boolean {
  return url === ORIGIN || url.startsWith(`${ORIGIN}/`) || url.startsWith(`blob:${ORIGIN}/`);
}
