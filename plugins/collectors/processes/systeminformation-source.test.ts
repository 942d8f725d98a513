import { spawn } from "node:child_process";
import { TestContext } from "all-use-agent/sdk/testing";
import { expect, it } from "vitest";
import plugin from "./index.ts";
import { defaults, manifest } from "./testdata/fake-proc.ts";

it("systeminformation knows processes, their memory and CPU time on any system, and is asked every 30 s", async () => {
  const ctx = new TestContext(manifest);
  const collector = plugin(ctx, { ...defaults, source: "systeminformation", slots: 50, programs: 200 });
  await collector.start!(ctx.signal);
  const child = spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" });
  const newest = (name: string, labels: Record<string, string>): number | undefined =>
    ctx.emitted
      .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .at(-1)?.value;
  try {
    const pids = (): number[] => ctx.emitted.filter((one) => one.name === "alluse_top_pid").map((one) => one.value);
    let seen = false;
    for (let look = 0; look < 30 && !seen; look++) {
      // Shares are what was used since it was asked before: that needs real time between.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await ctx.advance(2000);
      ctx.emitted.length = 0;
      await collector.collect!(ctx.signal);
      // 15 ticks of 2 s lie between two scans.
      seen = look >= 16 && pids().includes(child.pid!);
    }
    expect(pids()).toContain(child.pid);
    expect(newest("node_processes_pids", {})).toBeGreaterThan(1);
    const programs = ctx.emitted.filter((one) => one.name === "alluse_program_resident_memory_bytes" && one.value > 1e6);
    expect(programs.length).toBeGreaterThan(0);
    const cpu = ctx.emitted.filter((one) => one.name === "alluse_program_cpu_seconds_total");
    expect(cpu.reduce((sum, one) => sum + one.value, 0)).toBeGreaterThan(0);
  } finally {
    child.kill("SIGKILL");
    await collector.stop!();
    await ctx.dispose();
  }
});
