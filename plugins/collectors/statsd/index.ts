import { createSocket, type Socket } from "node:dgram";
import { AgentError, type Collector, definePlugin, errorText } from "all-use-agent/sdk";
import { Intake } from "./intake.ts";
import { Rows } from "./rows.ts";

export interface StatsdConfig {
  readonly interval_ms: number;
  readonly address: string;
  readonly port: number;
  readonly prefix: string;
  readonly quantiles: readonly number[];
  readonly max_series: number;
  readonly idle_ms: number;
  readonly max_cpu_ratio: number;
}

/** Room for what comes while the agent is busy; the system may give less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** A fault of a sender is said once in this time. */
const FAULT_LOG_MS = 60_000;
/** A port that was taken is asked for again. */
const AGAIN_MS = 10_000;

export default definePlugin<"collector", StatsdConfig>("collector", (ctx, config): Collector => {
  const intake = new Intake({ prefix: config.prefix, maxSeries: config.max_series });
  const rows = new Rows(ctx, config.quantiles);
  let socket: Socket | null = null;
  let packets = 0;
  let droppedLoad = 0;
  /** Spent since the last reading; beyond the budget packets are dropped. */
  let busyMs = 0;
  let faultToldMs = -Infinity;
  let askedMs = 0;

  const take = (bytes: Buffer): void => {
    packets++;
    const startMs = ctx.clock.monotonic();
    if (busyMs > config.interval_ms * config.max_cpu_ratio) {
      droppedLoad++;
      return;
    }
    intake.packet(bytes.toString("utf8"), startMs);
    busyMs += ctx.clock.monotonic() - startMs;
  };

  const tellFault = (nowMs: number): void => {
    if (intake.fault === null || nowMs - faultToldMs < FAULT_LOG_MS) return;
    faultToldMs = nowMs;
    ctx.log.warn(`a StatsD line could not be taken: ${intake.fault}`);
    intake.fault = null;
  };

  /** Never fails: a port that is taken now may be free later. */
  const open = async (): Promise<void> => {
    askedMs = ctx.clock.monotonic();
    try {
      const opened = await bind(config);
      if (ctx.signal.aborted) return void opened.close();
      ctx.use({ dispose: () => new Promise<void>((resolve) => opened.close(() => resolve())) });
      opened.on("error", (error) => ctx.status("degraded", `its socket failed: ${errorText(error)}`));
      opened.on("message", take);
      socket = opened;
      ctx.status("ok");
      ctx.log.info(`takes StatsD at ${config.address}:${opened.address().port}`);
    } catch (error) {
      ctx.status("degraded", errorText(error));
    }
  };

  return {
    start: open,
    async collect() {
      if (socket === null && ctx.clock.monotonic() - askedMs >= AGAIN_MS) await open();
      if (socket === null) return;
      busyMs = 0;
      const nowMs = ctx.clock.monotonic();
      intake.forget(nowMs - config.idle_ms);
      rows.begin(ctx.clock.now());
      for (const entry of intake.all) rows.entry(entry);
      rows.own({
        alluse_statsd_packets_total: packets,
        alluse_statsd_samples_total: intake.samples,
        alluse_statsd_invalid_lines_total: intake.invalid,
        alluse_statsd_series: intake.size,
      });
      rows.dropped("load", droppedLoad);
      rows.dropped("series", intake.droppedSeries);
      ctx.emit(rows.batch);
      tellFault(nowMs);
    },
  };
});

async function bind({ address, port }: StatsdConfig): Promise<Socket> {
  const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", recvBufferSize: RECEIVE_BUFFER_BYTES });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      const where = `UDP ${address}:${port}`;
      reject(
        error.code === "EADDRINUSE"
          ? new AgentError("port_in_use", `${where} is in use by another program; stop it, or set another port`, { cause: error })
          : new AgentError("port_refused", `${where} cannot be listened on (${errorText(error)}); set another address or port`, {
              cause: error,
            }),
      );
    });
    socket.bind({ address, port, exclusive: true }, resolve);
  });
  socket.removeAllListeners("error");
  return socket;
}
