import { copyFile } from "node:fs/promises";
import { type Disposable, errorText, type Logger } from "all-use-agent/sdk";
import { type AgentConfig, editPlugin, readConfig } from "../host/config-file.ts";
import { watchFiles } from "../host/config/config-watch.ts";
import type { SecretStore } from "../host/config/secrets.ts";
import type { AllSettings, PluginSettings } from "../host/config/settings.ts";
import type { AuditNote } from "../host/gate.ts";
import type { PluginHost } from "../host/host.ts";
import type { Outcome } from "../host/reconfigure.ts";

export interface LiveConfigParts {
  readonly path: string;
  readonly secretsPath: string;
  /** What the agent was started with. */
  readonly config: AgentConfig;
  readonly secrets: SecretStore;
  readonly host: PluginHost;
  readonly log: Logger;
  /** Names of what changed, never values. */
  readonly note: AuditNote;
  /** How samples pass was changed, or may have been. */
  readonly flow: (config: AgentConfig) => void;
}

/** config.json and secrets.json of a running agent: what they say counts, however it came there. */
export class LiveConfig {
  readonly parts: LiveConfigParts;
  settings: AllSettings;
  /** Why the file does not count, in a sentence. */
  private damage: string | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(parts: LiveConfigParts) {
    this.parts = parts;
    this.settings = parts.config.plugins ?? {};
  }

  /** From now on what is written into the files is taken up. */
  watch(): Disposable {
    const { path, secretsPath, log } = this.parts;
    return watchFiles([path, secretsPath], () =>
      this.inTurn(async () => {
        await this.parts.secrets.reload((message) => log.warn(message));
        // A file that does not count has said so.
        const damaged = await this.read().then(
          () => false,
          () => true,
        );
        if (!damaged) await this.take(this.settings, true);
      }).catch((error: unknown) => log.error(errorText(error))),
    );
  }

  /** Sentences for the agent's status. What does not run at all says so itself. */
  problems(): string[] {
    const { host, secrets } = this.parts;
    const kept = [...host.keptBack].map(
      ([key, { error }]) => `Plugin ${key} runs on with its earlier configuration: ${errorText(error)}`,
    );
    return [this.damage, secrets.problem, ...kept].flatMap((text) => (text === null ? [] : [`${text.replace(/\.$/, "")}.`]));
  }

  /** One change after the other. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(task);
    this.turn = mine.catch(() => {});
    return mine;
  }

  /** What the file says now; when it cannot be understood everything stays as it is, and an error says so. */
  async read(): Promise<void> {
    const { path, log } = this.parts;
    try {
      const config = await readConfig(path, false);
      this.settings = config.plugins ?? {};
      this.parts.flow(config);
      this.damage = null;
    } catch (error) {
      this.damage = `${errorText(error)}; until then the agent goes on with what it had`;
      log.error(this.damage);
      throw error;
    }
  }

  /** Makes settings true. `byHand`: nobody waits for the answer, so the log says what became of it. */
  async take(settings: AllSettings, byHand: boolean): Promise<Outcome[]> {
    const { host, log, note } = this.parts;
    this.settings = settings;
    const outcomes = await host.reconfigure(settings);
    if (!byHand) return outcomes;
    for (const { key, change, error } of outcomes) {
      if (change === "kept") log.error(`${key} runs on with its earlier configuration: ${errorText(error)}`);
      else if (change === "later") log.warn(`what was changed of ${key} counts at the agent's next start`);
      else log.info(`${key}: ${change} by a change of the configuration`);
      note("agent", "config.changed", key, { change });
    }
    return outcomes;
  }

  /** Writes what is set for one plugin. Durable when it resolves. */
  async write(id: string, settings: PluginSettings): Promise<AllSettings> {
    await editPlugin(this.parts.path, id, () => settings);
    return { ...this.settings, [id]: settings };
  }

  /** A plugin translated its configuration: the file from before is kept beside the new one. */
  async migrated(id: string, fromVersion: number, settings: PluginSettings): Promise<void> {
    const { path, log, note } = this.parts;
    const before = `${path}.before-${id.replace("/", "-")}-v${fromVersion}`;
    await copyFile(path, before).catch((error: unknown) => log.warn(`${path} could not be kept aside: ${errorText(error)}`));
    this.settings = await this.write(id, settings);
    log.info(`the configuration of ${id} was brought from version ${fromVersion} to ${settings.config_version ?? 1}`, { before });
    note("agent", "config.changed", id, { fromVersion, toVersion: settings.config_version ?? 1 });
  }
}
