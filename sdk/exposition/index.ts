export { type ExpositionOptions, ExpositionParser } from "./exposition-parser.ts";
export { JsonLinesParser } from "./json-lines-parser.ts";
export {
  SERIES_IGNORED,
  SERIES_REFUSED,
  type TextFamily,
  type TextFault,
  TextParser,
  type TextParserOptions,
  type TextReading,
  type TextSeries,
} from "./text-parser.ts";
