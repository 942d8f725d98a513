import { definePlugin, errorText, type Recommendation } from "all-use-agent/sdk";
import { Cpu } from "./cpu.ts";
import { Culprits } from "./culprits.ts";
import { Disks } from "./disks.ts";
import { Hold } from "./hold.ts";
import { Memory } from "./memory.ts";
import { lookAt } from "./unusual.ts";

interface Config {
  disk_attention_percent?: number;
  disk_critical_percent?: number;
  disk_roomy_bytes?: number;
  memory_attention_percent?: number;
  cpu_busy_percent?: number;
  processes?: boolean;
}

export default definePlugin<"recommender", Config>("recommender", (ctx, config) => {
  const culprits = new Culprits(config.processes ?? true);
  const disks = new Disks({
    attentionPercent: config.disk_attention_percent ?? 90,
    criticalPercent: config.disk_critical_percent ?? 97,
    roomyBytes: config.disk_roomy_bytes ?? 50e9,
  });
  const memory = new Memory(config.memory_attention_percent ?? 8, culprits);
  const cpu = new Cpu(config.cpu_busy_percent ?? 90, culprits);
  const hold = new Hold();
  const failing = new Set<string>();

  /** One part that fails (no storage yet, a query that is not understood) leaves the others their say. */
  async function part(name: string, advise: () => Promise<Recommendation[]>): Promise<Recommendation[]> {
    try {
      const advice = await advise();
      if (failing.delete(name) && failing.size === 0) ctx.status("ok");
      return advice;
    } catch (error) {
      if (ctx.signal.aborted) return [];
      if (!failing.has(name)) ctx.log.warn(`advice about ${name} failed`, { error: errorText(error) });
      failing.add(name);
      ctx.status("degraded", `advice about ${name} failed: ${errorText(error)}`);
      return [];
    }
  }

  return {
    async advise(view, signal) {
      const given = (
        await Promise.all([
          part("disks", () => disks.advise(view)),
          part("memory", () => memory.advise(view, signal)),
          part("the processors", () => cpu.advise(view, signal)),
        ])
      ).flat();
      return hold.apply(view.nowMs, [...given, ...lookAt(view, given)]);
    },
  };
});
