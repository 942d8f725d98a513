import {
  AgentError,
  type CollectReport,
  type ConfigChange,
  type ConfigProblem,
  errorText,
  type PluginAction,
  type PluginDetail,
} from "all-use-agent/sdk";
import { checkInstanceName, DEFAULT_INSTANCE, instanceKey, splitKey } from "../host/config/instance-name.ts";
import { isEnabled, type PluginSettings, withStrategy } from "../host/config/settings.ts";
import { knownPlugin, type PluginRoots, uninstall } from "../host/package/install.ts";
import { secretAt, secretName } from "../host/plugin-config.ts";
import { switched } from "../host/plugin-switch.ts";
import type { KnownPlugin, Outcome } from "../host/reconfigure.ts";
import { type DetailParts, knownPluginOf, plannedOf, pluginDetail } from "./plugin-detail.ts";

export interface DeskParts extends DetailParts {
  readonly roots: PluginRoots;
}

type SecretChanges = Record<string, string | null>;

/**
 * Sets what a plugin, or one of its instances, is configured with, and makes it true. Answers what is wrong with it instead,
 * and then nothing has changed. Throws `plugin_unknown`, `instance_unknown`, `config_invalid`.
 */
export function configurePlugin(
  parts: DeskParts,
  id: string,
  change: ConfigChange,
): Promise<PluginDetail | { problems: ConfigProblem[] }> {
  const { live } = parts;
  return live.inTurn(async () => {
    const known = knownPluginOf(parts, id);
    await live.read();
    const instance = change.instance ?? DEFAULT_INSTANCE;
    const before = live.settings[id] ?? {};
    const after = withStrategy(withConfig(known, before, instance, change.config), instance, change.strategy);
    const { changes, problems } = secretChanges(known, change.secrets ?? {});
    problems.push(...problemsWith(parts, known, after, instance, changes));
    if (problems.length > 0 || change.check === true) return { problems };
    const failed = await apply(parts, id, before, after, instanceKey(id, instance), changes);
    if (failed) return { problems: [{ where: "/", message: `it does not start with this: ${errorText(failed.error)}` }] };
    live.parts.note("operator", "config.changed", instanceKey(id, instance), {
      keys: changedKeys(saidOf(before, instance), saidOf(after, instance)).join(", "),
      secrets: Object.keys(changes).map(secretName).join(", "),
    });
    return pluginDetail(parts, known);
  });
}

/** Throws `plugin_unknown`, `instance_unknown`, `instance_duplicate`, `plugin_bundled`, `live_change_refused`, `restart_failed`. */
export function actOnPlugin(
  parts: DeskParts,
  id: string,
  action: PluginAction,
): Promise<PluginDetail | CollectReport | { removed: string }> {
  const { live } = parts;
  // A reading changes nothing, and may take its time: nobody waits for it.
  if (action.action === "collect") return collectNow(parts, id, action.instance ?? DEFAULT_INSTANCE);
  return live.inTurn(async () => {
    await live.read();
    if (action.action === "remove" && action.instance === undefined) return await removePlugin(parts, id);
    const known = knownPluginOf(parts, id);
    switch (action.action) {
      case "enable":
      case "disable":
        await turn(parts, known, action.action === "enable", action.instance ?? DEFAULT_INSTANCE);
        break;
      case "restart":
        await restart(parts, known, action.instance ?? DEFAULT_INSTANCE);
        break;
      case "add_instance":
        await addInstance(parts, known, action.instance);
        break;
      case "remove":
        await removeInstance(parts, known, action.instance ?? DEFAULT_INSTANCE);
        break;
      case "grant":
        await parts.packages.grant(id, action.permissions ?? []);
        break;
    }
    return pluginDetail(parts, known);
  });
}

/** With `default` and named instances, of the only one; which of several is meant must be said. */
async function collectNow(parts: DeskParts, id: string, instance: string): Promise<CollectReport> {
  const { live } = parts;
  knownPluginOf(parts, id);
  const settings = live.settings[id] ?? {};
  needInstance(id, settings, instance);
  const names = Object.keys(settings.instances ?? {});
  if (instance === DEFAULT_INSTANCE && names.length > 1)
    throw new AgentError("instance_unknown", `${id} runs ${names.length} times; say which is to be read: ${names.join(", ")}`);
  return live.parts.host.collect(instanceKey(id, instance === DEFAULT_INSTANCE ? (names[0] ?? instance) : instance));
}

async function turn(parts: DeskParts, { manifest: { id } }: KnownPlugin, enabled: boolean, instance: string): Promise<void> {
  const before = parts.live.settings[id] ?? {};
  needInstance(id, before, instance);
  const after = switched(before, enabled, instance);
  await apply(parts, id, before, after);
  if (enabled) await forgiveAndStart(parts, id);
  parts.live.parts.note("operator", enabled ? "plugin.enabled" : "plugin.disabled", instanceKey(id, instance), {});
}

/** Whoever is switched on gets another chance, at once where it had failed. */
async function forgiveAndStart({ dataDir, live }: DeskParts, id: string): Promise<void> {
  const { forgive } = await import("../host/safe-mode/forgive.ts");
  const { host } = live.parts;
  await forgive(dataDir, id, true);
  for (const report of host.reports()) {
    if (splitKey(report.id).id !== id || report.state !== "failed") continue;
    // What it fails with is its state again.
    await host.restart(report.id).catch(() => {});
  }
}

async function restart({ live }: DeskParts, { manifest: { id } }: KnownPlugin, instance: string): Promise<void> {
  const settings = live.settings[id] ?? {};
  needInstance(id, settings, instance);
  const names = instance === DEFAULT_INSTANCE && settings.instances ? Object.keys(settings.instances) : [instance];
  for (const name of names.filter((one) => isEnabled(settings, one))) {
    try {
      await live.parts.host.restart(instanceKey(id, name));
    } catch (error) {
      if (error instanceof AgentError && ["live_change_refused", "instance_unknown"].includes(error.code)) throw error;
      throw new AgentError("restart_failed", `${instanceKey(id, name)} did not start again: ${errorText(error)}`);
    }
  }
}

async function addInstance(parts: DeskParts, { manifest: { id } }: KnownPlugin, instance = ""): Promise<void> {
  const before = parts.live.settings[id] ?? {};
  checkInstanceName(instance);
  if (before.instances && Object.hasOwn(before.instances, instance))
    throw new AgentError("instance_duplicate", `${id} has an instance ${instance} already: choose another name`);
  await apply(parts, id, before, { ...before, instances: { ...before.instances, [instance]: {} } });
  parts.live.parts.note("operator", "instance.added", instanceKey(id, instance), {});
}

/** With the last named one the plugin is switched off: that its unnamed one would run instead is not what was asked for. */
async function removeInstance(parts: DeskParts, { manifest: { id } }: KnownPlugin, instance: string): Promise<void> {
  const { live } = parts;
  const before = live.settings[id] ?? {};
  needInstance(id, before, instance);
  const { [instance]: _gone, ...instances } = before.instances ?? {};
  const { instances: _all, ...rest } = before;
  const after = Object.keys(instances).length > 0 ? { ...rest, instances } : { ...rest, enabled: false };
  await apply(parts, id, before, after);
  await live.parts.secrets.forget(instanceKey(id, instance));
  live.parts.note("operator", "instance.removed", instanceKey(id, instance), {});
}

async function removePlugin(parts: DeskParts, id: string): Promise<{ removed: string }> {
  const { host, secrets } = parts.live.parts;
  const found = await knownPlugin(parts.roots, id);
  await uninstall(found);
  await host.rescan(new Set([found.place.folder]));
  // Whoever comes under this id later is another.
  await secrets.forget(id);
  await parts.packages.removed(id, found.manifest?.version ?? null);
  return { removed: id };
}

/** Writes and makes true. Returns the outcome that made it take everything back, or null. */
async function apply(
  { live }: DeskParts,
  id: string,
  before: PluginSettings,
  after: PluginSettings,
  key = id,
  changes: SecretChanges = {},
): Promise<Outcome | null> {
  const { secrets } = live.parts;
  const had = secrets.of(key);
  const undo = Object.fromEntries(Object.keys(changes).map((pointer) => [pointer, had[pointer] ?? null]));
  if (Object.keys(changes).length > 0) await secrets.set(key, changes);
  try {
    const outcomes = await live.take(await live.write(id, after), false);
    const failed = outcomes.find(({ key: one, change }) => change === "kept" && splitKey(one).id === id);
    if (!failed) return null;
    if (Object.keys(undo).length > 0) await secrets.set(key, undo);
    await live.take(await live.write(id, before), false);
    return failed;
  } catch (error) {
    if (Object.keys(undo).length > 0) await secrets.set(key, undo);
    throw error;
  }
}

function withConfig(
  { manifest }: KnownPlugin,
  before: PluginSettings,
  instance: string,
  config: ConfigChange["config"],
): PluginSettings {
  needInstance(manifest.id, before, instance);
  const { configVersion = 1 } = manifest;
  const version = configVersion > 1 ? { config_version: configVersion } : {};
  if (instance !== DEFAULT_INSTANCE) {
    const { config: _own, ...rest } = before.instances?.[instance] ?? {};
    const own = Object.keys(config).length > 0 ? { ...rest, config } : rest;
    return { ...before, ...version, instances: { ...before.instances, [instance]: own } };
  }
  const { config: _config, ...rest } = before;
  return Object.keys(config).length > 0 ? { ...rest, config, ...version } : rest;
}

/** `default` is the plugin itself: what it says counts for all of its instances. */
function needInstance(id: string, settings: PluginSettings, instance: string): void {
  if (instance === DEFAULT_INSTANCE || (settings.instances && Object.hasOwn(settings.instances, instance))) return;
  const names = Object.keys(settings.instances ?? {});
  throw new AgentError(
    "instance_unknown",
    `${id} has no instance ${JSON.stringify(instance.slice(0, 60))}; ${names.length === 0 ? "none is named" : `there are ${names.join(", ")}`}`,
    { where: "instance" },
  );
}

/** By pointer, whether they were named by one or by dots; those that are no secrets are problems. */
function secretChanges(
  { manifest }: KnownPlugin,
  given: Readonly<Record<string, string | null>>,
): { changes: SecretChanges; problems: ConfigProblem[] } {
  const changes: SecretChanges = {};
  const problems: ConfigProblem[] = [];
  for (const [name, value] of Object.entries(given)) {
    const pointer = name.startsWith("/") ? name : `/${name.replaceAll(".", "/")}`;
    if (!secretAt(manifest.config ?? {}, pointer)) problems.push({ where: pointer, message: "there is no secret of this name" });
    else changes[pointer] = value;
  }
  return { changes, problems };
}

function problemsWith(
  parts: DeskParts,
  known: KnownPlugin,
  settings: PluginSettings,
  instance: string,
  changes: SecretChanges,
): readonly ConfigProblem[] {
  const { secrets } = parts.live.parts;
  const changed = instanceKey(known.manifest.id, instance);
  const after = (key: string): Record<string, string> => {
    const all: Record<string, string | null> = { ...secrets.of(key), ...(key === changed && changes) };
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
  };
  const planned = plannedOf(parts, known, settings, after);
  return planned.filter((one) => instance === DEFAULT_INSTANCE || one.instance === instance).flatMap(({ problems }) => problems);
}

function saidOf(settings: PluginSettings, instance: string): Readonly<Record<string, unknown>> {
  const { config, strategy } = (instance === DEFAULT_INSTANCE ? settings : settings.instances?.[instance]) ?? {};
  return { ...config, strategy };
}

function changedKeys(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
