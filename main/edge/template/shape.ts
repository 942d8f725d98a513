import type { Manifest } from "all-use-agent/sdk";

/** JavaScript that every Node.js runs, or TypeScript that Node.js 22.18 and newer run as it is. */
export type Language = "js" | "ts";

/** What differs between the kinds; the rest of a new plugin's folder is the same for all. */
export interface KindTemplate {
  /** Completes "It …" in README and manifest. */
  readonly does: string;
  readonly manifest: Partial<Manifest>;
  code(name: NameForms, types: TypeWriter): string;
  /** The body of the test of what it does, after `plugin` and `ctx` were made. */
  test(name: NameForms): string;
}

/** Writes types as the language has them. */
export interface TypeWriter {
  /** A variable or parameter with its type: an annotation, or a JSDoc comment. */
  readonly typed: (variable: string, type: string) => string;
  /** What only TypeScript has; nothing in JavaScript. */
  readonly ts: (text: string) => string;
}

export function typeWriter(language: Language): TypeWriter {
  if (language === "ts") return { typed: (variable, type) => `${variable}: ${type}`, ts: (text) => text };
  return { typed: (variable, type) => `/** @type {${type}} */ ${variable.replace("?", "")}`, ts: () => "" };
}

export interface NameForms {
  /** `sea-level` */
  readonly name: string;
  /** `sea_level`, to begin metric names with. */
  readonly snake: string;
  /** `Sea level` */
  readonly title: string;
}

export function nameForms(name: string): NameForms {
  const words = name.replaceAll("-", " ");
  return { name, snake: name.replaceAll("-", "_"), title: words[0].toUpperCase() + words.slice(1) };
}
