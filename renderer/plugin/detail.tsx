import type { PluginDetail, PluginInstanceReport, PluginReport } from "all-use-agent/sdk";
import { useEffect, useRef } from "preact/hooks";
import { formatMoment, formatNumber, formatQuantity, formatSentence } from "../format.ts";
import { now, plugins } from "../state/agent.ts";
import { baseOf, instanceIdOf, instanceOf, needsLook } from "../state/plugin-list.ts";
import { pluginWords } from "../words-plugin.ts";
import { words } from "../words.ts";
import { About } from "./about.tsx";
import { Actions } from "./actions.tsx";
import { ConfigForm } from "./config-form.tsx";
import { Instances } from "./instances.tsx";
import { Log } from "./log.tsx";
import { Permissions } from "./permissions.tsx";
import "./plugin.css";
import { useDetail } from "./use-detail.ts";

const { state: stateWords, cost: costWords } = pluginWords;

export interface DetailProps {
  /** Id of the chosen report: `collectors/ping`, or `collectors/ping#lan` for a named instance. */
  readonly chosen: string;
  readonly onChoose: (id: string | null) => void;
}

/** One plugin and one of its instances: what it is, how it is, what it costs, may do and did, and how it is set. */
export default function Detail({ chosen, onChoose }: DetailProps) {
  const id = baseOf(chosen);
  const reports = (plugins.value ?? []).filter((one) => baseOf(one.id) === id);
  const { detail, error, read, take } = useDetail(id, reports);
  const wanted = instanceOf(chosen);
  const instance = detail && (detail.instances.find((one) => one.instance === wanted) ?? detail.instances[0]);
  const name = instance?.instance ?? wanted;
  const report = reports.find((one) => one.id === instanceIdOf(id, name)) ?? instance?.report ?? reports[0];
  const title = detail?.title ?? report?.title ?? id;
  return (
    <>
      <Head
        title={name === "default" ? title : `${title} ${name}`}
        detail={detail}
        report={report}
        onClose={() => onChoose(null)}
      />
      {detail && instance && (
        <>
          <Instances
            detail={detail}
            chosen={name}
            onChoose={(other) => onChoose(instanceIdOf(id, other))}
            onAdded={(after, added) => {
              take(after);
              onChoose(instanceIdOf(id, added));
            }}
          />
          <State detail={detail} instance={instance} report={report} />
          <Actions
            key={`actions ${name}`}
            detail={detail}
            instance={instance}
            onDone={take}
            onRemoved={(whole) => onChoose(whole ? null : id)}
          />
        </>
      )}
      {!detail && report && needsLook(report) && <Trouble report={report} waiting={false} />}
      {error && (
        <div class="state" role="status">
          <p>
            <b class="att">{pluginWords.unread}</b> {formatSentence(error)}
          </p>
          <button type="button" onClick={read}>
            {pluginWords.again}
          </button>
        </div>
      )}
      {detail && instance
        ? sections({ id, name, detail, instance, report, take })
        : report && <Cost report={report} detail={null} />}
    </>
  );
}

interface SectionsProps {
  readonly id: string;
  readonly name: string;
  readonly detail: PluginDetail;
  readonly instance: PluginInstanceReport;
  readonly report: PluginReport | undefined;
  readonly take: (detail: PluginDetail) => void;
}

/** In their order; the one where something has to be done or read now comes first. */
function sections({ id, name, detail, instance, report, take }: SectionsProps) {
  const trouble = report !== undefined && needsLook(report);
  const waiting = detail.permissions.some(({ granted }) => !granted);
  const first = waiting ? "permissions" : instance.problems.length > 0 ? "form" : trouble ? "log" : "cost";
  const all = [
    { key: "cost", part: report && <Cost key="cost" report={report} detail={detail} /> },
    {
      key: "permissions",
      part: (
        <section key="permissions" aria-label={pluginWords.permissions.title}>
          <h3>{pluginWords.permissions.title}</h3>
          <Permissions detail={detail} onDone={take} />
        </section>
      ),
    },
    {
      key: "form",
      part: (
        <section key={`form ${name} ${detail.version}`} aria-label={pluginWords.form.title}>
          <h3>
            {pluginWords.form.title}
            {name !== "default" && <span class="q"> {name}</span>}
          </h3>
          <ConfigForm detail={detail} instance={instance} onSaved={take} />
        </section>
      ),
    },
    { key: "log", part: <Log key={`log ${name}`} id={id} instance={name} open={trouble} /> },
    {
      key: "about",
      part: (
        <section key="about" aria-label={pluginWords.about.title}>
          <h3>{pluginWords.about.title}</h3>
          <About detail={detail} />
        </section>
      ),
    },
  ];
  return all.toSorted((a, b) => Number(b.key === first) - Number(a.key === first)).map(({ part }) => part);
}

interface HeadProps {
  readonly title: string;
  readonly detail: PluginDetail | null;
  readonly report: PluginReport | undefined;
  readonly onClose: () => void;
}

function Head({ title, detail, report, onClose }: HeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(title);
  // Another instance chosen in here: its name is said.
  useEffect(() => {
    if (before.current !== title) heading.current?.focus({ preventScroll: true });
    before.current = title;
  }, [title]);
  const facts = [
    detail?.version ?? report?.version,
    detail?.kind ?? report?.kind,
    pluginWords.isolation[detail?.isolation ?? report?.isolation?.level ?? "core"],
    report && pluginWords.origin[report.origin],
  ];
  return (
    <>
      <div class="head-line">
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" class="plain" onClick={onClose}>
          {pluginWords.close}
        </button>
      </div>
      <p class="q sm">{facts.filter(Boolean).join(", ")}</p>
      {detail?.description && <p class="what">{detail.description}</p>}
    </>
  );
}

interface StateProps {
  readonly detail: PluginDetail;
  readonly instance: PluginInstanceReport;
  readonly report: PluginReport | undefined;
}

/** Trouble with its reason and what helps; that it is off; nothing where nothing is the matter. */
function State({ detail, instance, report }: StateProps) {
  if (!instance.enabled) {
    return (
      <p class="off">
        <b>{stateWords.off}</b> <span class="q">{stateWords.offHint}</span>
      </p>
    );
  }
  const pending = instance.pending;
  if (!report || !needsLook(report)) return pending === null ? null : <p class="state">{pending}</p>;
  return <Trouble report={report} waiting={detail.permissions.some(({ granted }) => !granted)} />;
}

function Trouble({ report, waiting }: { report: PluginReport; waiting: boolean }) {
  const failed = report.state === "failed";
  const todo = waiting ? stateWords.todoWaiting : (stateWords.todo[report.code ?? ""] ?? stateWords.todoOther);
  const when = formatMoment(report.sinceMs, now.peek());
  return (
    <div class={failed ? "state critical" : "state"}>
      <p>
        <b class={failed ? "cri" : "att"}>{formatSentence(stateWords.since(words.plugins.state[report.state], when))}</b>{" "}
        {formatSentence(report.reason ?? "")}
      </p>
      <p>
        {todo} <span class="q">{stateWords.restOk}</span>
      </p>
    </div>
  );
}

/** Figures of this instance, beside what it is allowed. */
function Cost({ report, detail }: { report: PluginReport; detail: PluginDetail | null }) {
  const { cost, isolation } = report;
  const budget = detail?.budget;
  const cpuBudget = budget?.cpuMsPerSecond ? `${formatNumber(budget.cpuMsPerSecond)}\u00a0ms/s` : null;
  const memoryBudget = budget?.memoryMb ? `${formatNumber(budget.memoryMb)}\u00a0MB` : null;
  const of = (allowed: string | null): string => (allowed ? costWords.budget(allowed) : "");
  const rows: readonly (readonly [name: string, value: string, beside: string, tone?: "att"])[] = [
    [costWords.cpu, `${formatNumber(cost.cpuMsPerSecond, 2)}\u00a0ms/s`, of(cpuBudget)],
    isolation
      ? [costWords.memory, isolation.pid === null ? "–" : formatQuantity(isolation.residentBytes, "bytes"), of(memoryBudget)]
      : [costWords.memory, costWords.insideMemory, ""],
    [costWords.samples, formatQuantity(cost.samplesPerSecond, "per_second", 4), ""],
    [costWords.calls, formatNumber(cost.calls), ""],
    [costWords.median, formatQuantity(cost.p50Ms, "milliseconds"), ""],
    [costWords.slowest, formatQuantity(cost.p99Ms, "milliseconds"), ""],
    [costWords.skipped, formatNumber(cost.skipped), "", cost.skipped > 0 ? "att" : undefined],
    [costWords.errors, formatNumber(cost.errors), "", cost.errors > 0 ? "att" : undefined],
    ...(isolation
      ? ([
          [costWords.process, isolation.pid === null ? costWords.notRunning : String(isolation.pid), ""],
          [costWords.restarts, formatNumber(isolation.restarts), "", isolation.restarts > 0 ? "att" : undefined],
          [costWords.denied, formatNumber(isolation.denied), "", isolation.denied > 0 ? "att" : undefined],
        ] as const)
      : []),
    ...(report.code ? ([[costWords.code, report.code, ""]] as const) : []),
  ].map(
    ([name, value, beside, tone]) =>
      (tone ? [name, value, beside, tone] : [name, value, beside]) as [string, string, string, "att"?],
  );
  return (
    <section aria-label={costWords.title}>
      <h3>{costWords.title}</h3>
      <dl class="costs">
        {rows.map(([name, value, beside, tone]) => (
          <div key={name}>
            <dt class="q">{name}</dt>
            <dd class={tone ?? ""}>
              {value} {beside && <span class="q sm">{beside}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
