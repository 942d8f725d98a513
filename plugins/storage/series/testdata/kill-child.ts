/** Appends and acknowledges until it is killed. Run by kill.test.ts: `kill-child.ts FOLDER FIRST_TICK`. */
import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Engine } from "../engine.ts";

const [folder, firstTick] = process.argv.slice(2);
const SERIES = 40;

function note(): void {
  // Nothing to say to: the parent reads acknowledgements only.
}

const engine = new Engine(
  { path: folder, retentionMs: 1e12, maxDiskBytes: 2 ** 31, blockMs: 600_000, acceptAnyAge: true, fsync: "none" },
  {
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    log: { debug: note, info: note, warn: note, error: note },
    status: note,
  },
);
await engine.open();
const batch = {
  length: SERIES,
  series: new Uint32Array(SERIES),
  timestamps: new Float64Array(SERIES),
  values: new Float64Array(SERIES),
};
for (let id = 0; id < SERIES; id++) {
  batch.series[id] = id;
  engine.define(id, { name: "ticks", labels: { id: String(id) }, type: "counter", help: "for a test" });
}
for (let tick = Number(firstTick); ; tick++) {
  batch.timestamps.fill(tick * 1000);
  for (let id = 0; id < SERIES; id++) batch.values[id] = tick * 100 + id;
  // Sealing goes on while more is appended, so that kills hit it in every state.
  if (tick % 150 === 149) void engine.seal();
  // Refused when it is faster than sealing makes room: the tick counts when it is in.
  for (let kept = false; !kept;) {
    engine.append(batch);
    kept = await engine.flush().then(
      () => true,
      () => setTimeout(10, false),
    );
  }
  writeSync(1, `${tick}\n`);
}
