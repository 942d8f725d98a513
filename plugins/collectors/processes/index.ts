import fs from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { definePlugin, errorText, type Collector, type RouteRequest, type RouteResponse } from "all-use-agent/sdk";
import { Allowance } from "./allowance.ts";
import { Columns, type Series } from "./columns.ts";
import { type CommandLines, describeCommand } from "./commands.ts";
import { type GroupBy, Names } from "./names.ts";
import { type Occupant, Occupants, OCCUPANTS_MAX } from "./occupants.ts";
import { ProgramReport } from "./program-report.ts";
import { OTHERS, Programs } from "./programs.ts";
import { ProcSource } from "./proc-source.ts";
import { Rankings } from "./rankings.ts";
import type { Source } from "./source.ts";
import { Table } from "./table.ts";
import { Totals } from "./totals.ts";

interface Config {
  interval_ms: number;
  source: "auto" | "proc" | "systeminformation";
  proc_path: string;
  slots: number;
  programs: number;
  group_by: GroupBy;
  command_lines: CommandLines;
  budget_percent: number;
}

/** Names that may become labels: at once, and one more in this time. */
const NEW_NAMES = 100;
const NEW_NAME_MS = 600_000;
/** A scan may be put off for so long. */
const SCAN_LATEST_MS = 30_000;
/** systeminformation starts programs of its own to find out. */
const SYSTEM_SCAN_MS = 30_000;
const PROC_PAGE_BYTES = 4096;

export default definePlugin<"collector", Config>("collector", (ctx, config): Collector => {
  const fromProc = config.source === "proc" || (config.source === "auto" && process.platform === "linux");
  const series: Series = (name, labels) => ctx.series(name, labels);
  const allowance = new Allowance(NEW_NAMES, NEW_NAME_MS);
  const may = (name: string): boolean => allowance.allows(name, ctx.clock.monotonic());
  const rankings = new Rankings(config.slots, series, (name) => (may(name) ? name : OTHERS));
  const programs = new Programs(config.programs, availableParallelism(), totalmem());
  const table = new Table(programs, (one) => rankings.leave(one));
  const report = new ProgramReport(programs, series);
  const names = new Names(config.proc_path, config.group_by);
  const documents = ctx.documents.collection<Occupant>("processes", { maxDocuments: OCCUPANTS_MAX, orderBy: "fromMs" });
  const out = new Columns();
  const self = {
    scan: series("alluse_processes_scan_seconds"),
    unread: series("alluse_processes_unread"),
    refused: series("alluse_processes_names_refused_total"),
    unrecorded: series("alluse_processes_unrecorded_total"),
  };
  let source: Source | null = null;
  let occupants: Occupants | null = null;
  let totals: Totals | null = null;
  let tick = 0;
  let scanAt = 0;
  let scanMs = 0;

  /** Dear scans come less often: they may take so much of a processor in the mean. */
  const nextScan = (): number => {
    const wanted = scanMs / ((config.budget_percent / 100) * config.interval_ms);
    const leastMs = fromProc ? 0 : SYSTEM_SCAN_MS;
    const most = Math.max(1, Math.floor(SCAN_LATEST_MS / config.interval_ms));
    return tick + Math.max(1, Math.min(most, Math.ceil(Math.max(wanted, leastMs / config.interval_ms))));
  };

  const look = async (from: Source, signal: AbortSignal): Promise<void> => {
    if (tick < scanAt) {
      rankings.each((one) => from.refresh(one));
      return;
    }
    const took = await from.scan(signal);
    // A scan that was held up by others is not a dear one: the mean of some decides.
    scanMs += (took - scanMs) * (scanMs === 0 ? 1 : 0.3);
    table.settle(ctx.clock.monotonic(), may);
    rankings.settle(table.processes.values());
    scanAt = nextScan();
  };

  const emit = (nowMs: number): void => {
    out.batch.length = 0;
    totals?.report(out, table.processes, source?.unread ?? 0);
    report.report(out);
    rankings.report(out);
    out.push(self.scan, scanMs / 1000);
    out.push(self.unread, source?.unread ?? 0);
    out.push(self.refused, allowance.refused);
    out.push(self.unrecorded, occupants?.unrecorded ?? 0);
    ctx.emit(out.stamped(nowMs));
  };

  const remember = (): void => {
    if (!occupants) return;
    const nowMs = ctx.clock.now();
    const elapsedMs = ctx.clock.monotonic();
    occupants.begin();
    rankings.each((one, measure, value) => occupants!.sits(one, measure, value, nowMs, elapsedMs));
    occupants.end();
  };

  ctx.use({ dispose: () => source?.close() });

  return {
    async start() {
      if (fromProc) {
        source = new ProcSource(config.proc_path, table, names, ctx.clock, pageBytes());
        totals = new Totals(config.proc_path, series);
      } else {
        const { SystemSource } = await import("./systeminformation-source.ts");
        source = new SystemSource(table, names, ctx.clock);
        totals = new Totals(config.proc_path, series);
      }
      const from = source;
      occupants = new Occupants(documents, (one) => ({
        command: describeCommand(config.command_lines === "none" ? [] : from.argumentsOf(one), config.command_lines),
        startedMs: from.startedMs(one),
      }));
      const nowMs = ctx.clock.now();
      occupants.closeEarlier(nowMs).catch((error: unknown) => {
        if (!ctx.signal.aborted) ctx.log.debug("who ran before this start could not be read", { error: errorText(error) });
      });
    },
    async collect(signal) {
      if (!source) return;
      const nowMs = ctx.clock.now();
      await look(source, signal);
      tick++;
      if (signal.aborted || ctx.signal.aborted) return;
      emit(nowMs);
      remember();
    },
    async stop() {
      const ending = occupants;
      occupants = null;
      await ending?.close();
    },
    handle: (request) => answer(request, occupants, ctx.clock.now()),
  };
});

/** `GET /api/agent/processes`: who is among the largest now, and who was between `from` and `to` (Unix ms; the last hour). */
async function answer(request: RouteRequest, occupants: Occupants | null, nowMs: number): Promise<RouteResponse> {
  const time = (key: string, otherwise: number): number => {
    const text = request.query.get(key);
    return text === null || text === "" ? otherwise : Number(text);
  };
  const toMs = time("to", nowMs);
  const fromMs = time("from", toMs - 3_600_000);
  if (!Number.isFinite(fromMs) || !Number.isFinite(toMs))
    return json(400, { error: "from and to must be Unix milliseconds; leave them out for the last hour" });
  const now = occupants?.now() ?? [];
  return json(200, { now, before: (await occupants?.between(fromMs, toMs)) ?? [] });
}

function json(status: number, body: unknown): RouteResponse {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}

/** Bytes of a page, from what this process has in both units: 4, 16 or 64 KiB. */
function pageBytes(): number {
  try {
    const pages = Number(fs.readFileSync("/proc/self/statm", "latin1").split(" ")[1]);
    return pages > 0 ? 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages)) : PROC_PAGE_BYTES;
  } catch {
    return PROC_PAGE_BYTES;
  }
}
