import { open } from "node:fs/promises";
import { AgentError, errorText } from "all-use-agent/sdk";
import type { TargetGroup } from "./targets.ts";

const FILE_MAX_BYTES = 4 * 1024 * 1024;
const TARGETS_MAX = 10_000;

/** A file of targets, read again when it changes: by a rename over it, best of all, so that nobody sees half of it. */
export class ServiceList {
  readonly path: string;
  /** As they were when the file was last good. */
  groups: readonly TargetGroup[] = [];
  /** Why it is not as it should be, in a sentence; null: it is. */
  problem: string | null = null;
  private stamp = "";

  constructor(path: string) {
    this.path = path;
  }

  /** Whether the groups are others than before. Never rejects. */
  async refresh(): Promise<boolean> {
    try {
      const text = await this.changedText();
      if (text === null) return false;
      this.groups = readGroups(text);
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = `${this.path}: ${errorText(error)}`;
      return false;
    }
  }

  private async changedText(): Promise<string | null> {
    const file = await open(this.path, "r");
    try {
      const { mtimeMs, size, ino } = await file.stat();
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.stamp) return null;
      if (size > FILE_MAX_BYTES) throw invalid("", `the file has ${size} bytes; a service list has at most ${FILE_MAX_BYTES}`);
      const text = await file.readFile("utf8");
      this.stamp = stamp;
      return text;
    } finally {
      await file.close();
    }
  }
}

/** Reads the JSON form of Prometheus' `file_sd_configs`. Throws `service_list_invalid` with the place. */
export function readGroups(text: string): TargetGroup[] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw invalid("", `it is no JSON: ${errorText(error)}`);
  }
  if (!Array.isArray(found)) throw invalid("", "expected a list of groups");
  let count = 0;
  return found.map((group: unknown, i) => {
    const { targets, labels = {} } = isObject(group) ? group : {};
    if (!Array.isArray(targets) || targets.some((target) => typeof target !== "string"))
      throw invalid(`/${i}/targets`, "expected a list of host:port");
    if (!isObject(labels) || Object.values(labels).some((value) => typeof value !== "string"))
      throw invalid(`/${i}/labels`, "expected an object of texts");
    count += targets.length;
    if (count > TARGETS_MAX) throw invalid(`/${i}/targets`, `more than ${TARGETS_MAX} targets`);
    return { targets: targets as string[], labels: labels as Record<string, string> };
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(where: string, message: string): AgentError {
  return new AgentError("service_list_invalid", where === "" ? message : `${where}: ${message}`, { where });
}
