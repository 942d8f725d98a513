import { AgentError, type Manifest } from "all-use-agent/sdk";
import type { PluginFolder } from "./discover.ts";
import { renew } from "./fresh-import.ts";
import type { Gate } from "./instance-services.ts";
import type { Instance } from "./instance-type.ts";
import { startOrder } from "./order.ts";
import type { PlannedInstance, Plan } from "./plans.ts";
import { RealTime, type TimeSource } from "./time.ts";

/** A plugin folder whose manifest is right. */
export interface KnownPlugin {
  readonly place: PluginFolder;
  readonly manifest: Manifest;
}

/** What is set for an instance and does not count. */
export interface KeptPlan {
  /** Of the plan that it did not start with; null when what is set is not valid. */
  readonly fingerprint: string | null;
  readonly error: AgentError;
}

/** What became of an instance that is to be otherwise than it was. */
export interface Outcome {
  readonly key: string;
  /** `kept`: it runs on as it was; `later`: storage changes at the agent's next start; `failed`: it is there and does not run. */
  readonly change: "started" | "stopped" | "replaced" | "kept" | "later" | "failed";
  readonly error: AgentError | null;
}

/** What these functions need of the host. */
export interface HostAccess {
  readonly time: TimeSource;
  readonly known: readonly KnownPlugin[];
  readonly instances: Instance[];
  readonly plans: Map<string, Plan>;
  readonly kept: Map<string, KeptPlan>;
  changed(): void;
  planned(known: KnownPlugin): Promise<PlannedInstance[]>;
  create(plan: Plan): Promise<Instance>;
  gateOf(instance: Instance): Gate;
  start(instance: Instance, standby?: boolean): Promise<void>;
  insert(added: readonly Instance[]): void;
  drop(instance: Instance): void;
  forgetRejected(id: string): void;
  reject(known: KnownPlugin, key: string, error: AgentError): void;
  switchedOff(known: KnownPlugin, key: string): void;
}

/** Ticks of all plugins come together, at multiples of their intervals: the middle between is when to change places. */
const QUIET_AFTER_MS = 50;
const QUIET_BEFORE_MS = 50;
const TICK_MS = 1000;

/** How systems say that two cannot have the same thing: then the old one must go first. */
const TAKEN = /EADDRINUSE|EBUSY|EADDRNOTAVAIL|already in use|is locked/;

/** Brings the instances to what the settings say, touching only those that are to be otherwise. */
export async function reconfigure(host: HostAccess): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const wanted = new Map<string, { known: KnownPlugin; planned: PlannedInstance }>();
  for (const known of host.known) {
    host.forgetRejected(known.manifest.id);
    try {
      for (const planned of await host.planned(known)) wanted.set(planned.key, { known, planned });
    } catch (error) {
      keepAll(host, known, error as AgentError, outcomes, wanted);
    }
  }
  for (const instance of host.instances.toReversed()) {
    const want = wanted.get(instance.id);
    if (want?.planned.enabled) continue;
    if (instance.manifest.kind === "storage") outcomes.push({ key: instance.id, change: "later", error: null });
    else {
      await instance.stop();
      host.drop(instance);
      outcomes.push({ key: instance.id, change: "stopped", error: null });
    }
  }
  const plans: Plan[] = [];
  for (const [key, { known, planned }] of wanted) {
    const running = host.instances.find(({ id }) => id === key);
    if (!planned.enabled) {
      if (!running) host.switchedOff(known, key);
    } else if (planned.plan) plans.push(planned.plan);
    else if (planned.error) {
      if (!running) host.reject(known, key, planned.error);
      else keep(host, key, null, planned.error, outcomes);
    }
  }
  for (const plan of startOrder(plans, (candidate, error) => host.reject(candidate, candidate.key, error)))
    await bring(host, plan, outcomes);
  host.changed();
  return outcomes;
}

/** Nothing can be said of the plugin's instances: those that run, run on. */
function keepAll(
  host: HostAccess,
  known: KnownPlugin,
  error: AgentError,
  outcomes: Outcome[],
  wanted: Map<string, { known: KnownPlugin; planned: PlannedInstance }>,
): void {
  const running = host.instances.filter(({ manifest }) => manifest.id === known.manifest.id);
  if (running.length === 0) host.reject(known, known.manifest.id, error);
  for (const { id: key } of running) {
    keep(host, key, null, error, outcomes);
    const planned = { key, instance: "", enabled: true, problems: [], plan: null, error: null };
    wanted.set(key, { known, planned });
  }
}

function keep(host: HostAccess, key: string, fingerprint: string | null, error: AgentError, outcomes: Outcome[]): void {
  host.kept.set(key, { fingerprint, error });
  outcomes.push({ key, change: "kept", error });
}

async function bring(host: HostAccess, plan: Plan, outcomes: Outcome[]): Promise<void> {
  const { key, fingerprint } = plan;
  const old = host.instances.find(({ id }) => id === key);
  if (old && host.plans.get(key)?.fingerprint === fingerprint) return void host.kept.delete(key);
  if (plan.manifest.kind === "storage") return void outcomes.push({ key, change: "later", error: null });
  if (!old) {
    const added = await host.create(plan);
    host.insert([added]);
    await host.start(added);
    const error = added.running ? null : failureOf(added);
    outcomes.push({ key, change: error ? "failed" : "started", error });
    return;
  }
  // It did not start with this before: it is not tried again with every other change.
  const known = host.kept.get(key);
  if (known?.fingerprint === fingerprint) return keep(host, key, fingerprint, known.error, outcomes);
  const error = await replace(host, old, plan);
  if (error && host.plans.get(key)?.fingerprint !== fingerprint) keep(host, key, fingerprint, error, outcomes);
  else {
    host.kept.delete(key);
    outcomes.push({ key, change: error ? "failed" : "replaced", error });
  }
}

/**
 * Another instance in place of a running one. Where it can, the new one is started first and takes over between two ticks, so
 * that no reading is missed and none is made twice. What does not start leaves the old one as it was. Returns why the new one
 * does not run, or null.
 */
async function replace(host: HostAccess, old: Instance, plan: Plan): Promise<AgentError | null> {
  const before = host.plans.get(old.id)!;
  const wasRunning = old.running;
  if (wasRunning && old.halt) {
    await old.saveSnapshot();
    const next = await host.create(plan);
    host.gateOf(next).open = false;
    await host.start(next, true);
    if (next.running && next.begin) {
      await quiet(host.time);
      const servedMs = await old.halt();
      host.instances[host.instances.indexOf(old)] = next;
      host.gateOf(next).open = true;
      next.begin(servedMs);
      host.changed();
      await old.stop(false);
      return null;
    }
    const error = failureOf(next);
    await next.stop(false);
    host.plans.set(old.id, before);
    if (!TAKEN.test(error.message)) return error;
  }
  await old.stop();
  const next = await exchange(host, old, plan);
  if (next.running) return null;
  const error = failureOf(next);
  if (!wasRunning) return error;
  await next.stop(false);
  await exchange(host, next, before);
  return error;
}

/** One that is stopped gives its place to another. */
async function exchange(host: HostAccess, old: Instance, plan: Plan): Promise<Instance> {
  const next = await host.create(plan);
  host.instances[host.instances.indexOf(old)] = next;
  await host.start(next);
  host.changed();
  return next;
}

/** Another instance of the same, with fresh code. */
export async function restart(host: HostAccess, key: string): Promise<void> {
  const old = host.instances.find(({ id }) => id === key);
  const plan = host.plans.get(key);
  if (!old || !plan)
    throw new AgentError(
      "instance_unknown",
      `${key} does not run and has nothing to restart: enable it, or mend its configuration`,
    );
  if (plan.manifest.kind === "storage")
    throw new AgentError("live_change_refused", `${key} keeps the samples of all others: restart the agent to restart it`);
  renew(plan.place.folder);
  const error = await replace(host, old, plan);
  host.changed();
  if (error) throw error;
}

function failureOf(instance: Instance): AgentError {
  const { reason, code } = instance.report();
  return new AgentError(code ?? "start_failed", reason ?? "it does not run");
}

/** Waits until no tick is near. */
async function quiet(time: TimeSource): Promise<void> {
  if (!(time instanceof RealTime)) return;
  const sinceMs = time.now() % TICK_MS;
  if (sinceMs >= QUIET_AFTER_MS && sinceMs <= TICK_MS - QUIET_BEFORE_MS) return;
  await new Promise<void>((resolve) => time.after((TICK_MS - sinceMs + QUIET_AFTER_MS) % TICK_MS, resolve));
}
