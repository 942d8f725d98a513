import type { PluginDetail, PluginReport } from "all-use-agent/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import { readPlugins } from "../state/agent.ts";
import { connection } from "../state/stream.ts";
import { readDetail, reasonOf } from "./door.ts";

/** Uses of permissions and costs move on while somebody looks. */
const EVERY_MS = 5000;

export interface Known {
  /** Null until first read; kept when a later read fails. */
  readonly detail: PluginDetail | null;
  readonly error: string;
  readonly read: () => void;
  /** An answer that holds the detail: newer than every read under way. */
  readonly take: (detail: PluginDetail) => void;
}

/** What the agent knows of a plugin; read again when the state of one of its instances changes, and from time to time. */
export function useDetail(id: string, reports: readonly PluginReport[]): Known {
  const [detail, setDetail] = useState<PluginDetail | null>(null);
  const [error, setError] = useState("");
  const turn = useRef(0);

  const read = (): void => {
    const mine = ++turn.current;
    readDetail(id).then(
      (found) => {
        if (mine !== turn.current) return;
        setDetail(found);
        setError("");
      },
      (failed: unknown) => mine === turn.current && setError(reasonOf(failed)),
    );
  };
  const states = reports.map((one) => `${one.id} ${one.state} ${one.sinceMs} ${one.version ?? ""}`).join();
  useEffect(() => {
    read();
    const timer = setInterval(() => !document.hidden && connection.peek() === "live" && read(), EVERY_MS);
    return () => {
      turn.current++;
      clearInterval(timer);
    };
  }, [id, states]);

  return {
    detail,
    error,
    read,
    take: (found) => {
      turn.current++;
      setDetail(found);
      setError("");
      void readPlugins();
    },
  };
}
