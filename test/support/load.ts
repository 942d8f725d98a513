import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

const TICK_MS = 250;

export interface Load {
  stop(): void;
}

/** Writes a file into the folder at an even rate, until its disk is full. Makes up for ticks that come late. */
export function fillSteadily(folder: string, bytesPerSecond: number): Load {
  const startMs = performance.now();
  let written = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * bytesPerSecond) - written;
    try {
      appendFileSync(join(folder, "filling"), Buffer.alloc(due, 1));
      written += due;
    } catch {
      // Full: that is what it is for.
      clearInterval(timer);
    }
  }, TICK_MS);
  return { stop: () => clearInterval(timer) };
}

/** Keeps every core busy until it is stopped. */
export function keepBusy(): Load {
  const children: ChildProcess[] = [];
  for (let core = 0; core < availableParallelism(); core++) {
    children.push(spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" }));
  }
  return {
    stop() {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}
