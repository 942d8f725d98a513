import { useComputed, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { RecommendationReport } from "all-use-agent/sdk";
import { EvidenceChart } from "../chart/evidence-chart.tsx";
import { unitOf, windowText } from "../chart/evidence.ts";
import {
  formatFigure,
  formatFull,
  formatInterval,
  formatMoment,
  formatName,
  formatNumber,
  formatQuantity,
  splitUnit,
} from "../format.ts";
import { now, panels } from "../state/agent.ts";
import { wide } from "../state/screen.ts";
import { confidenceWord, words } from "../words.ts";
import { DismissDialog } from "./dismiss.tsx";

interface CardProps {
  readonly advice: RecommendationReport;
  /** The first of them: larger. */
  readonly lead: boolean;
  /** Stands as wide as the lead: its chart is as tall. */
  readonly tall: boolean;
}

/** Heights of evidence charts in CSS pixels. */
const TALL = 196;
const LOW = 104;

const toneOf = { critical: "cri", attention: "att", info: "q" } as const;

/** One piece of advice: what, the evidence, how sure, what to do, what is to be expected. */
function Card({ advice, lead, tall }: CardProps) {
  const id = useId();
  const whyOpen = useSignal(false);
  const asking = useSignal(false);
  const since = useComputed(() => formatMoment(advice.createdMs, now.value));
  const [first] = advice.evidence;
  const word = confidenceWord(advice.confidence);
  return (
    <article class={lead ? "card lead" : "card side"} aria-labelledby={`${id}-t`} data-stop tabIndex={-1}>
      <p class={`sm ${toneOf[advice.severity]}`} title={formatFull(advice.createdMs)}>
        {words.cards.since(words.cards.severity[advice.severity], since.value)}
      </p>
      <h2 id={`${id}-t`}>{advice.title}</h2>
      {first && <EvidenceChart evidence={first} severity={advice.severity} height={tall ? TALL : LOW} parts={tall ? 4 : 2} />}
      <div class="body">
        <p>
          <b>{words.cards.confidenceNumber(word, `${formatNumber(advice.confidence * 100)}\u00a0%`)}</b> {advice.reason}
        </p>
        <p>
          <b class="do">{advice.action.text}</b>
          {advice.effect && <span class="effect">{effectText(advice.effect)}</span>}
        </p>
        {whyOpen.value && <Why id={`${id}-w`} advice={advice} />}
      </div>
      <div class="actions">
        <button
          type="button"
          aria-expanded={whyOpen.value}
          aria-controls={`${id}-w`}
          onClick={() => (whyOpen.value = !whyOpen.value)}
        >
          {words.cards.why}
        </button>
        <button type="button" class="plain" onClick={() => (asking.value = true)}>
          {words.cards.notNow}
        </button>
      </div>
      {asking.value && <DismissDialog advice={advice} onClose={() => (asking.value = false)} />}
    </article>
  );
}

function effectText({ what, unit, low, expected, high }: NonNullable<RecommendationReport["effect"]>): string {
  return words.cards.expected(what, formatQuantity(expected, unit), formatInterval(low, high, unit));
}

/** Up to three side by side, the first one the largest where there is no room for equals. */
export function Cards({ list }: { list: readonly RecommendationReport[] }) {
  const equal = list.length === 2 || (list.length >= 3 && wide.value);
  return (
    <div class={`cards cards-${Math.min(3, list.length)}`}>
      {list.map((advice, i) => (
        <Card key={advice.id} advice={advice} lead={i === 0} tall={i === 0 || equal} />
      ))}
    </div>
  );
}

/** The numbers behind it, so that anyone can look at the same ones. */
function Why({ id, advice }: { id: string; advice: RecommendationReport }) {
  const nowMs = now.peek();
  return (
    <div class="why sm" id={id}>
      {advice.evidence.map((evidence, i) => {
        const unit = unitOf(evidence, panels.value ?? []);
        return (
          <table key={evidence.expr}>
            <caption>
              {advice.evidence.length > 1 ? words.cards.evidenceOf(i + 1, advice.evidence.length) : words.cards.evidence}
            </caption>
            <tbody>
              <tr>
                <th scope="row">{words.cards.method}</th>
                <td>{evidence.method}</td>
              </tr>
              {Object.entries(evidence.numbers).map(([name, value]) => {
                const { stem, unit: own } = splitUnit(name);
                return (
                  <tr key={name}>
                    <th scope="row">{formatName(stem || name)}</th>
                    <td>{formatFigure(value, own ?? (/^usual|_(low|high)$/.test(name) ? unit : null), nowMs)}</td>
                  </tr>
                );
              })}
              <tr>
                <th scope="row">{words.cards.window}</th>
                <td>{windowText(evidence, nowMs)}</td>
              </tr>
              <tr>
                <th scope="row">{words.cards.series}</th>
                <td class="mono">{evidence.expr}</td>
              </tr>
            </tbody>
          </table>
        );
      })}
      <p class="q">
        {words.cards.from}: {advice.source}. {words.cards.decided}: {advice.decision} {words.cards.expires}:{" "}
        {formatMoment(advice.expiresMs, nowMs)}.
      </p>
    </div>
  );
}
