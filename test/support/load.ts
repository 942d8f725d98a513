import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

const TICK_MS = 250;

export interface Load {
  stop(): void;
}

/** Writes a file into the folder at an even rate, until its disk is full. */
export function fillSteadily(folder: string, bytesPerSecond: number): Load {
  const chunk = Buffer.alloc((bytesPerSecond * TICK_MS) / 1000, 1);
  const timer = setInterval(() => {
    try {
      appendFileSync(join(folder, "filling"), chunk);
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
