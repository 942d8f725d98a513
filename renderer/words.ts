/**
 * Every word of the page, in English, ready to be translated: nothing else in `renderer/` holds a sentence but
 * words-plugin.ts, which is loaded with a plugin's details.
 * Numbers, times and quantities arrive already formatted.
 */

const plural = (n: number, one: string, many: string): string => (n === 1 ? one : many);

export const words = {
  product: "ALL-USE Agent",
  mark: "ALL-USE",
  title: (place: string, count: number): string => `${count ? `(${count}) ` : ""}${place} · ALL-USE Agent`,
  skip: "Skip to the page",

  places: { label: "Places", now: "Now", advice: "Advice", plugins: "Plugins", search: "Search", keys: "Keys" },

  truth: {
    calm: "All calm.",
    connecting: "Asking the agent…",
    things: (n: number): string => plural(n, "1 thing needs you.", `${n} things need you.`),
    plugins: (n: number): string => plural(n, "1 plugin has failed.", `${n} plugins have failed.`),
    unusual: (n: number): string =>
      plural(n, "Nothing needs you, 1 thing is unusual.", `Nothing needs you, ${n} things are unusual.`),
    problems: (n: number): string => plural(n, "The agent has a problem.", `The agent has ${n} problems.`),
    stale: (age: string, clock: string): string => `No data for ${age}. Everything below is from ${clock}.`,
    noData: "The agent runs, and has no data yet.",
    lost: "Disconnected, trying again.",
    lostSince: (clock: string): string => `Disconnected, trying again. Everything below is from ${clock}.`,
    newest: (age: string): string => `newest sample ${age} ago`,
    cost: (cpu: string, memory: string, disk: string): string => `the agent costs ${cpu} of a core, ${memory}, ${disk} on disk`,
    staleWhy: (clock: string): string => `no sample has arrived since ${clock}; what was recorded before is kept`,
    lostWhy: "the agent does not answer; what it recorded is kept, and this page catches up by itself",
    seePlugins: "See the plugins",
  },

  range: {
    label: "Time shown",
    last: {
      "5m": "Last 5 min",
      "15m": "Last 15 min",
      "1h": "Last 1 h",
      "6h": "Last 6 h",
      "24h": "Last 24 h",
      "7d": "Last 7 days",
    } as Readonly<Record<string, string>>,
    withAhead: (last: string, ahead: string): string => `${last}, next ${ahead}`,
    between: (from: string, to: string): string => `${from} to ${to}`,
    live: "Live",
    liveHint: "Stand still or go on",
    waiting: "Waiting for data",
  },

  cards: {
    label: "What needs you",
    since: (severity: string, when: string): string => `${severity}, since ${when}`,
    severity: { critical: "Critical", attention: "Attention", info: "For your information" } as const,
    /** By the least confidence for which it is said. */
    confidence: [
      [0.97, "Almost certain"],
      [0.9, "Very likely"],
      [0.8, "Likely"],
      [0.65, "Fairly sure"],
      [0.5, "More likely than not"],
      [0, "Possible"],
    ] as readonly (readonly [number, string])[],
    confidenceNumber: (word: string, percent: string): string => `${word}, ${percent}.`,
    expected: (what: string, expected: string, interval: string): string => `Expected ${what}: ${expected} (${interval}).`,
    why: "Why",
    notNow: "Not now…",
    more: (n: number): string => plural(n, "1 more piece of advice", `${n} more pieces of advice`),
    method: "Method",
    window: "Window",
    series: "Series",
    from: "Found by",
    decided: "Decision",
    expires: "Holds until",
    evidence: "Evidence",
    evidenceOf: (n: number, of: number): string => `Evidence ${n} of ${of}`,
  },

  dismiss: {
    title: "Not now",
    consequence:
      "This advice leaves the page. It comes back if the matter gets worse, or passes and returns later. Your reason is kept with it.",
    label: "Why not now?",
    reasons: [
      "I know, and it is meant to be so",
      "It is not worth the effort",
      "It is wrong: nothing is the matter",
      "I will look at it later",
    ],
    other: "In your own words",
    otherHint: "up to 400 characters",
    confirm: "Dismiss",
    cancel: "Keep it",
    failed: (why: string): string => `It was not dismissed. ${why}`,
    done: "Dismissed.",
  },

  day: {
    title: "The day",
    hint: "arrow keys read, Enter goes there",
    incidents: "Incidents",
    changes: "Changes",
    gaps: "Sleep and gaps",
    now: "now",
    nothing: "Nothing has happened today.",
    marks: (n: number): string => plural(n, "1 thing happened today.", `${n} things happened today.`),
    finding: { anomaly: "Anomaly", change: "Change", trend: "Trend", pattern: "Pattern", breach: "Limit" } as const,
    gap: "Gap",
    span: (from: string, to: string): string => `${from} to ${to}`,
    ongoing: (from: string): string => `since ${from}`,
    lasted: (duration: string): string => `lasted ${duration}`,
  },

  sections: {
    machine: "The machine",
    accounts: "The accounts",
    agent: "The agent",
    asUsual: "as usual",
    outside: (n: number, of: number): string => `${n} of ${of} ${plural(of, "chart is", "charts are")} outside what is usual`,
    learning: (n: number, of: number): string => (n === of ? "still learning what is usual" : `${n} still learning`),
    waiting: "waiting for the first values",
  },

  chart: {
    learning: "still learning normal",
    now: "now",
    usual: (low: string, high: string): string => `usual ${low} to ${high}`,
    usualIn: (interval: string): string => `usual ${interval}`,
    at: (clock: string): string => `at ${clock}`,
    expected: (clock: string, low: string, high: string): string => `expected at ${clock}, ${low} to ${high}`,
    kind: "chart",
    loading: "Reading the past…",
    empty: "Nothing recorded in this time.",
    failed: "This chart could not be read.",
    failedRest: "The others are not affected.",
    again: "Try again",
    table: "Table",
    asChart: "Chart",
    tableOf: (title: string): string => `${title} as a table`,
    lines: (title: string): string => `Lines of ${title}`,
    others: "all together",
    more: (n: number): string => `${n} more in the table`,
  },

  table: { time: "time", value: "value", usualFrom: "usual from", usualTo: "to", none: "Nothing recorded in this time." },

  evidence: { limit: "limit", noneLeft: "none left" },

  plugins: {
    title: (cpu: string, memory: string): string => `This agent costs you ${cpu} of one core and ${memory}.`,
    titleUnknown: "What this agent costs you",
    disk: (disk: string, since: string | null): string => (since ? `${disk} on disk for ${since}` : `${disk} on disk`),
    samples: (rate: string, series: string): string => `${rate} samples a second of ${series} series`,
    delay: (ms: string): string => `slowest 1 % of its turns ${ms}`,
    ownProcesses: (memory: string): string => `of the memory ${memory} are plugins in processes of their own`,
    add: "Add a plugin…",
    addFile: "A packed plugin",
    drop: "Drop it to see what it holds.",
    dropHint: "Nothing is installed before you say so.",
    make: "A plugin of your own begins with",
    makeCommand: "alluse plugin new --kind collector NAME",
    makeHint:
      "It runs as it is, and its first sample is here within seconds. A packed one (.alluse-plugin) can be dropped on this page.",
    runs_: (version: string, node: string): string => `version ${version} on Node ${node}`,
    since: (duration: string): string => `runs for ${duration}`,
    list: "Plugins",
    counts: (run: number, look: number, off: number): string =>
      [
        `${run} ${plural(run, "runs", "run")}`,
        look ? `${look} ${plural(look, "needs a look", "need a look")}` : "",
        off ? `${off} ${plural(off, "is off", "are off")}` : "",
      ]
        .filter(Boolean)
        .join(", "),
    order: "most CPU first",
    heads: {
      plugin: "plugin",
      kind: "kind",
      runs: "runs",
      health: "health",
      cpu: "CPU ms/s",
      memory: "MB",
      samples: "samples/s",
      slow: "slowest 1 %, ms",
    },
    runs: { core: "inside", process: "own process", exec: "own program" } as Readonly<Record<string, string>>,
    state: {
      starting: "starting",
      ok: "ok",
      degraded: "needs a look",
      failed: "failed",
      stopping: "stopping",
      stopped: "off",
    } as const,
    runtime: "Runtime and page",
    runtimeHint: "What no plugin accounts for; the memory is that of the agent with everything that runs inside",
    host: "host",
    together: "Together",
    empty: "No plugins were found.",
    emptyHint: "The agent looks for them in its own folder and in the plugins folder of its data directory.",
  },

  safeMode: {
    title: (since: string): string => `The agent runs in safe mode since ${since}.`,
    suspects: "Left out, and probably to blame:",
    alsoLeftOut: "Left out as well:",
    leftOut: "Left out:",
  },

  part: {
    loading: "One moment…",
    failed: "This part of the page could not be fetched. The rest works.",
  },

  advice: {
    open: (n: number): string => plural(n, "1 piece of advice is open.", `${n} pieces of advice are open.`),
    none: "No advice is open.",
    facts: "advice appears when the agent has evidence that something is or will be the matter",
    history: "Before",
    historyHint: "what became of earlier advice",
    noHistory: "Nothing yet. Advice that was dismissed, expired or was replaced is kept here with the reason.",
    heads: { when: "when", what: "advice", status: "became", decision: "because" },
    status: { open: "open", dismissed: "dismissed", expired: "no longer true", superseded: "replaced" } as const,
  },

  empty: {
    title: "The first values are on their way.",
    body: "The agent has just started. Collectors write every second; the first charts appear within a few seconds, what is usual within some minutes.",
    noPanels: "No plugin declares a chart. Collectors bring them: see the list of plugins for one that failed.",
  },

  problems: {
    title: "Not everything could be read.",
    rest: "What is shown below was read and is true.",
    again: "Try again",
    parts: {
      status: "the agent's state",
      panels: "the list of charts",
      plugins: "the list of plugins",
      recommendations: "advice",
      findings: "what was found today",
      gaps: "gaps in the data",
    } as Readonly<Record<string, string>>,
  },

  signIn: {
    title: "This page needs the address with its token that alluse start printed.",
    body: "The token keeps other programs and people on this machine out. Look in the window where the agent was started for the line that begins with “ready”, or ask for the address again:",
    command: "alluse status",
    after: "Open that address once; this browser then remembers it.",
    again: "I have done so, try again",
  },

  notFound: {
    title: "There is no such place.",
    body: "The address names a place that this version does not have.",
    go: "Go to Now",
  },

  search: {
    title: "Search",
    placeholder: "A chart, a place, a time or a look",
    none: "Nothing has that name.",
    place: "place",
    chart: "chart",
    time: "time",
    look: "look",
    results: (n: number): string => plural(n, "1 result", `${n} results`),
  },

  theme: { label: "Look", system: "As the system", light: "Light", dark: "Dark", contrast: "High contrast" } as const,

  help: {
    title: "Keys",
    close: "Close",
    keys: [
      ["/", "Search charts, places and times"],
      ["g n", "Go to Now"],
      ["g a", "Go to Advice"],
      ["g p", "Go to Plugins"],
      ["j  k", "Next and previous card or chart"],
      [".", "Live, or stand still"],
      ["← →", "In a chart: point by point, ten with Shift"],
      ["↑ ↓", "In a chart: choose a line"],
      ["t", "In a chart: as a table"],
      ["Esc", "Leave"],
      ["?", "This list"],
    ] as readonly (readonly [string, string])[],
    pointer: "Drag over a chart to zoom, Shift and drag to move, double click to go back.",
    version: (version: string): string => `Version ${version}`,
  },
} as const;

/** How sure the agent is, in words. */
export function confidenceWord(confidence: number): string {
  return (
    words.cards.confidence.find(([least]) => confidence >= least)?.[1] ??
    words.cards.confidence[words.cards.confidence.length - 1][1]
  );
}
