import {
  AgentError,
  type Batch,
  type Collector,
  createBatch,
  definePlugin,
  ensureCapacity,
  errorText,
  type Finding,
  type RouteRequest,
  type RouteResponse,
  type SeriesId,
} from "all-use-agent/sdk";
import { CHANNELS } from "./channels.ts";
import { OsSensor } from "./os-sensor.ts";
import { ProcSensor } from "./proc-sensor.ts";
import { type Reason, Recorder } from "./recorder.ts";
import { RecordingLog } from "./recording-log.ts";
import { Ring } from "./ring.ts";
import type { Sensor } from "./sensor.ts";
import { type Threshold, Thresholds } from "./thresholds.ts";

interface Config {
  interval_ms: number;
  source: "auto" | "proc" | "os";
  proc_path: string;
  sys_path: string;
  keep_ms: number;
  before_ms: number;
  after_ms: number;
  longest_ms: number;
  recordings_per_hour: number;
  severity: Finding["severity"];
  thresholds: Threshold[];
}

const SEVERITIES: readonly Finding["severity"][] = ["info", "attention", "critical"];
const KINDS: readonly Finding["kind"][] = ["anomaly", "breach", "change"];
/** Findings that were heard of are remembered, so that their updates do not count as new ones. */
const KNOWN_MAX = 500;
/** While a recording runs its rows go out together this often. */
const HAND_OUT_MS = 1000;
/** A reading so many intervals after the last is the first of a new stretch: what was between is no high resolution. */
const PAUSE_INTERVALS = 10;
const REPORT_MS = 30_000;
const BODY_MAX_CHARACTERS = 300;

export default definePlugin<"collector", Config>("collector", (ctx, config): Collector => {
  const fromProc = config.source === "proc" || (config.source === "auto" && process.platform === "linux");
  const sensor: Sensor = fromProc ? new ProcSensor(config.proc_path, config.sys_path) : new OsSensor();
  const ring = new Ring(Math.max(2, Math.ceil(config.keep_ms / config.interval_ms)), CHANNELS.length);
  const recorder = new Recorder(ring, {
    beforeMs: Math.min(config.before_ms, config.keep_ms),
    afterMs: config.after_ms,
    longestMs: config.longest_ms,
    perHour: config.recordings_per_hour,
  });
  const thresholds = new Thresholds(config.thresholds);
  const log = new RecordingLog(ctx);
  const row = new Float64Array(CHANNELS.length);
  const heard = new Set<string>();
  let ids: SeriesId[] | null = null;
  let batch: Batch | null = null;
  let readMs = NaN;
  let handOutMs = 0;
  let samples = 0;
  let recordings = 0;

  const trigger = (reason: Reason, afterMs?: number): "begun" | "extended" | "refused" => {
    const outcome = recorder.trigger(reason, ctx.clock.monotonic(), afterMs);
    if (outcome === "begun") {
      recordings++;
      handOutMs = -Infinity;
      log.begun(recorder.recording!);
    }
    return outcome;
  };

  /** Rows of the ring as samples with the times at which they were read. */
  const handOut = (): void => {
    const rows = recorder.take();
    if (!rows) return;
    ids ??= CHANNELS.map(({ metric, labels }) => ctx.series(metric, labels));
    batch = ensureCapacity(batch ?? createBatch(1024), (rows.to - rows.from) * ids.length);
    batch.backdated = true;
    let length = 0;
    for (let at = rows.from; at < rows.to; at++) {
      const timeMs = ring.timeOf(at);
      if (Number.isNaN(timeMs)) continue;
      for (let column = 0; column < ids.length; column++) {
        const value = ring.value(at, column);
        if (Number.isNaN(value)) continue;
        batch.series[length] = ids[column];
        batch.timestamps[length] = timeMs;
        batch.values[length] = value;
        length++;
      }
    }
    batch.length = length;
    samples += length;
    ctx.emit(batch);
  };

  const record = (elapsedMs: number): void => {
    const over = recorder.over(elapsedMs);
    if (recorder.recording && (over || elapsedMs - handOutMs >= HAND_OUT_MS)) {
      handOutMs = elapsedMs;
      handOut();
    }
    log.tick(recorder.recording, elapsedMs);
    if (!over) return;
    log.ended(recorder.end()!);
    // Room for a minute of backlog is not needed until the next time.
    batch = null;
  };

  const report = createBatch(3);
  const self = ["alluse_recorder_recordings_total", "alluse_recorder_samples_total", "alluse_recorder_refused_total"];
  self.forEach((name, i) => (report.series[i] = ctx.series(name)));
  report.length = self.length;

  const handle = async (request: RouteRequest): Promise<RouteResponse> => {
    if (request.method !== "POST")
      return json(200, { recording: recorder.recording, refused: recorder.refused, recordings: await log.list() });
    const asked = readRequest(new TextDecoder().decode(await request.body()));
    if (typeof asked === "string") return json(400, { error: asked });
    const nowMs = ctx.clock.now();
    const outcome = trigger({ kind: "request", text: asked.reason, atMs: nowMs }, asked.forMs ?? undefined);
    if (outcome === "refused")
      return json(429, {
        error: `the recording has its longest length of ${config.longest_ms / 1000} s; ask again when it is over`,
      });
    return json(outcome === "begun" ? 201 : 200, { outcome, recording: recorder.recording });
  };

  ctx.use(sensor);

  return {
    async start() {
      ctx.on("finding", (finding) => {
        if (finding.endMs !== null || heard.has(finding.id) || !KINDS.includes(finding.kind)) return;
        if (SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(config.severity)) return;
        heard.add(finding.id);
        if (heard.size > KNOWN_MAX) for (const oldest of heard) if (heard.delete(oldest)) break;
        trigger({ kind: "finding", text: finding.summary, id: finding.id, atMs: ctx.clock.now() });
      });
      ctx.every(REPORT_MS, () => {
        report.timestamps.fill(ctx.clock.now());
        report.values.set([recordings, samples, recorder.refused]);
        ctx.emit(report);
      });
      await log.closeEarlier().catch((error: unknown) => {
        if (!ctx.signal.aborted) ctx.log.debug("earlier recordings could not be read", { error: errorText(error) });
      });
    },
    collect() {
      const nowMs = ctx.clock.now();
      const elapsedMs = ctx.clock.monotonic();
      const sinceMs = elapsedMs - readMs;
      const fresh = !(sinceMs > 0 && sinceMs <= PAUSE_INTERVALS * config.interval_ms);
      readMs = elapsedMs;
      sensor.read(row, fresh ? 0 : sinceMs);
      if (fresh) thresholds.reset();
      else {
        ring.push(nowMs, elapsedMs, row);
        const exceeded = thresholds.look(row, elapsedMs);
        if (exceeded !== null) trigger({ kind: "threshold", text: exceeded, atMs: nowMs });
      }
      record(elapsedMs);
    },
    async stop() {
      const recording = recorder.end();
      if (recording) log.ended(recording);
      await log.settled();
    },
    handle: (request) => handle(request).catch((error: unknown) => refusal(error)),
  };
});

/** What `POST /api/agent/recorder` may say: `{"reason": "text", "for_s": 60}`, all of it optional. A sentence when it is wrong. */
function readRequest(text: string): { reason: string; forMs: number | null } | string {
  let body: unknown = {};
  try {
    if (text.trim() !== "") body = JSON.parse(text);
  } catch {
    return 'the body must be JSON such as {"reason": "looking for stalls", "for_s": 60}, or empty';
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) return "the body must be a JSON object";
  const { reason = "asked for", for_s: forS = null } = body as { reason?: unknown; for_s?: unknown };
  if (typeof reason !== "string") return "reason must be text";
  if (forS !== null && !(typeof forS === "number" && forS > 0 && forS <= 3600)) return "for_s must be a number from 0 to 3600";
  return { reason: reason.slice(0, BODY_MAX_CHARACTERS), forMs: forS === null ? null : forS * 1000 };
}

function json(status: number, body: unknown): RouteResponse {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}

/** What was thrown with a code is an answer of its own; everything else is the host's to attribute. */
function refusal(error: unknown): RouteResponse {
  if (error instanceof AgentError && error.code === "documents_unavailable") return json(503, { error: error.message });
  throw error;
}
