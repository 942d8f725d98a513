import { contextBridge } from "electron";
import { version } from "../../package.json";

/** All that the page learns of its shell; everything else it asks at the door, as in a browser. */
const alluse = { platform: process.platform, version, shell: "desktop" } as const;

contextBridge.exposeInMainWorld("alluse", alluse);
