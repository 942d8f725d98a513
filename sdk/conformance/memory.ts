import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A function that collects all garbage, or null where the engine does not give one. */
export function collector(): (() => void) | null {
  try {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("gc");
    return typeof collect === "function" ? (collect as () => void) : null;
  } catch {
    return null;
  }
}

/** Bytes of objects and buffers that are still in use. */
export function usedBytes(collect: () => void): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
