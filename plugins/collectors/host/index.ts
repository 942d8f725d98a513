import { definePlugin, type Collector } from "all-use-agent/sdk";
import { Columns } from "./columns.ts";
import { type Facts, type Group, GroupRun, type HostConfig } from "./group.ts";
import { procGroups } from "./proc-source.ts";
import { Reader } from "./reader.ts";

/** Room for a machine of four CPUs; larger ones double it once. */
const FIRST_CAPACITY = 512;

export default definePlugin<"collector", HostConfig>("collector", (ctx, config): Collector => {
  const facts: Facts = {
    reader: new Reader(),
    config,
    series: (name, labels, info) => ctx.series(name, labels, info),
    proc: (path) => `${config.proc_path}/${path}`,
    sys: (path) => `${config.sys_path}/${path}`,
  };
  const fromProc = config.source === "proc" || (config.source === "auto" && process.platform === "linux");
  const slowEvery = Math.max(1, Math.round(config.slow_interval_ms / config.interval_ms));
  const out = new Columns(FIRST_CAPACITY);
  let runs: GroupRun[] = [];
  let tick = 0;
  let told = "";

  const plan = (groups: readonly Group[]): void => {
    const turns = { fast: 0, slow: 0, rare: 0 };
    runs = groups.map((group) => new GroupRun(group, slowEvery, turns[group.pace]++));
  };

  /** Says once what is wrong, and once that it no longer is. */
  const tell = (): void => {
    let trouble = "";
    for (const run of runs) if (run.trouble !== null) trouble += `${trouble && "; "}${run.trouble}`;
    if (trouble === told) return;
    told = trouble;
    if (trouble) ctx.status("degraded", trouble);
    else ctx.status("ok");
  };

  ctx.use({
    dispose: () => {
      for (const run of runs) run.group.close();
    },
  });

  return {
    async start() {
      if (fromProc) plan(procGroups(facts, ctx.clock, ctx.signal));
      else {
        const { systemGroups } = await import("./systeminformation-source.ts");
        plan(await systemGroups(facts, ctx.clock));
      }
    },
    collect() {
      const nowMs = ctx.clock.now();
      out.length = 0;
      for (const run of runs) if (run.due(tick)) run.run(out, tick);
      out.stamp(nowMs);
      tick++;
      if (out.length > 0) ctx.emit(out);
      tell();
    },
  };
});
