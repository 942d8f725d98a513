export * from "./context.ts";
export * from "./errors.ts";
export * from "./kinds.ts";
export * from "./knowledge.ts";
export * from "./manifest.ts";
export { compileRegex, type Regex, type RegexMatch, RegexSyntaxError } from "./regex/index.ts";
export * from "./series.ts";
export type * from "./wire.ts";
export type * from "./wire-plugins.ts";
