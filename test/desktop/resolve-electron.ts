/** Preloaded (`node --import`) into the built desktop shell: `electron` is the fake, which tests steer over the channel. */
import { registerHooks } from "node:module";
import { serveShell } from "./shell-channel.ts";

const fake = new URL("./fake-electron.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "electron" ? { url: fake, shortCircuit: true } : next(specifier, context),
});

serveShell();
