/** Whether batches pass one by one or gathered. */
export type FlowMode = "real_time" | "micro_batch";

export interface FlowSettings {
  /** `hybrid` goes from one to the other by load. */
  readonly mode: FlowMode | "hybrid";
  /** What is gathered goes on when it has so many rows, or its first row is so old. */
  readonly batch: { readonly rows: number; readonly delayMs: number };
  /** When hybrid begins to gather, and for how long both must be below half of it until it stops. */
  readonly switch: {
    readonly emissionsPerSecond: number;
    /** Of one core's time, spent in the stages. */
    readonly busyPercent: number;
    readonly backAfterMs: number;
  };
}

export const DEFAULT_FLOW: FlowSettings = {
  mode: "hybrid",
  batch: { rows: 5000, delayMs: 100 },
  switch: { emissionsPerSecond: 500, busyPercent: 20, backAfterMs: 5000 },
};
