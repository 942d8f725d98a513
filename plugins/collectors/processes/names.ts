import fs from "node:fs";
import { basename } from "node:path";

/** What Node.js and others call their first thread, which is then the process's name as well: the program's file says more. */
const NO_NAME = "MainThread";
/** All threads of the kernel count as one program. */
export const KERNEL = "kernel";
const UNKNOWN = "unknown";
/** Account names are read again for a new number at most this often. */
const ACCOUNTS_AGAIN_MS = 600_000;

export type GroupBy = "program" | "unit" | "account";

/** Says under which name a process counts, and whose it is. Reads files only for a process it is asked about. */
export class Names {
  private readonly procPath: string;
  private readonly groupBy: GroupBy;
  private accounts = new Map<number, string>();
  private accountsReadMs = -Infinity;

  constructor(procPath: string, groupBy: GroupBy) {
    this.procPath = procPath;
    this.groupBy = groupBy;
  }

  /** The process's own name, or its program's file where that says more. */
  own(pid: number, name: string): string {
    if (name !== NO_NAME) return name;
    try {
      return basename(fs.readlinkSync(`${this.procPath}/${pid}/exe`)) || name;
    } catch {
      return name;
    }
  }

  group(pid: number, name: string, isKernel: boolean, account: string | null): string {
    if (isKernel) return KERNEL;
    if (this.groupBy === "account") return account ?? UNKNOWN;
    return this.groupBy === "unit" ? this.unit(pid) : name;
  }

  /** The name of an account by its number; the number itself where it has none. */
  account(uid: number, nowMs: number): string {
    const known = this.accounts.get(uid);
    if (known !== undefined) return known;
    if (nowMs - this.accountsReadMs < ACCOUNTS_AGAIN_MS) return String(uid);
    this.accountsReadMs = nowMs;
    this.accounts = readAccounts();
    return this.accounts.get(uid) ?? String(uid);
  }

  private unit(pid: number): string {
    try {
      return unitOf(fs.readFileSync(`${this.procPath}/${pid}/cgroup`, "latin1"));
    } catch {
      return UNKNOWN;
    }
  }
}

function readAccounts(): Map<number, string> {
  const accounts = new Map<number, string>();
  try {
    for (const line of fs.readFileSync("/etc/passwd", "utf8").split("\n")) {
      const [name, , uid] = line.split(":");
      if (name && uid !== undefined && /^\d+$/.test(uid)) accounts.set(Number(uid), name);
    }
  } catch {
    // Without the file accounts keep their numbers.
  }
  return accounts;
}

/**
 * The service, container or session from /proc/<pid>/cgroup: `ssh.service`, `container:0123456789ab`, `session`. Numbers that
 * systemd counts up are left out, so that the same thing keeps its name.
 */
export function unitOf(cgroup: string): string {
  const line = /^(?:0:|\d+:name=systemd):(.*)$/m.exec(cgroup)?.[1] ?? "";
  const parts = line.split("/").filter(Boolean).reverse();
  const container = /(?:^|-)([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?$/;
  for (const part of parts) {
    const id = container.exec(part)?.[1];
    if (id !== undefined) return `container:${id}`;
  }
  const unit = parts.find((part) => /\.(?:service|scope)$/.test(part)) ?? parts[0];
  if (unit === undefined) return "root";
  return unit.endsWith(".scope") ? unit.slice(0, -6).replace(/(?:[-_]\d+)+$/, "") : unit;
}
