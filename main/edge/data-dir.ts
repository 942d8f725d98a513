import { resolve } from "node:path";
import { defaultDataDir } from "../host/default-data-dir.ts";

export function dataDirOf(option: string | undefined): string {
  return option === undefined ? defaultDataDir() : resolve(option);
}
