export { type ExpositionOptions, ExpositionParser } from "./exposition-parser.ts";
export { familyInfo } from "./family-info.ts";
export { JsonLinesParser } from "./json-lines-parser.ts";
export {
  copyOf,
  SERIES_IGNORED,
  SERIES_REFUSED,
  type TextFamily,
  type TextFault,
  TextParser,
  type TextParserOptions,
  type TextReading,
  type TextSeries,
} from "./text-parser.ts";
