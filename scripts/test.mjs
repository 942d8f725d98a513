/**
 * `npm test`: types, lint, format, build, then every test this machine can run. One line a stage; the output of a stage is
 * shown only when it fails. Arguments go to vitest: `npm test -- --project unit`, `npm test -- plugins/storage`.
 * The last line is `N passed, N failed, N skipped`, stages included.
 */
import { fork, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");
const env = {
  ...process.env,
  PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
  NO_COLOR: "1",
  FORCE_COLOR: "0",
};

const total = { passed: 0, failed: 0, skipped: 0 };
const skipped = [];

function line(name, outcome, startedMs) {
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`${name.padEnd(12)} ${outcome.padEnd(40)} ${seconds.padStart(6)} s`);
}

function counts({ passed, failed, skipped: left }) {
  return [`${passed} passed`, failed > 0 && `${failed} FAILED`, left > 0 && `${left} skipped`].filter(Boolean).join(", ");
}

/** Runs a command to its end. Resolves with whether it succeeded. */
function stage(name, command, args) {
  const startedMs = Date.now();
  return new Promise((resolve) => {
    // Windows starts npm's shims only through its shell.
    const child = spawn(command, args, {
      cwd: root,
      env,
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));
    child.on("error", (error) => output.push(Buffer.from(`${error.message}\n`)));
    child.on("close", (code) => {
      const ok = code === 0;
      line(name, ok ? "ok" : "FAILED", startedMs);
      if (!ok) process.stdout.write(Buffer.concat(output));
      total[ok ? "passed" : "failed"]++;
      resolve(ok);
    });
  });
}

/** Runs vitest. Resolves when it has ended; the counts go into `total`. */
function tests(args) {
  return new Promise((resolve) => {
    const vitestArgs = [
      "run",
      "--coverage",
      "--reporter=default",
      `--reporter=${join(root, "scripts/test/reporter.mjs")}`,
      ...args,
    ];
    const child = fork(join(root, "node_modules/vitest/vitest.mjs"), vitestArgs, { cwd: root, env, silent: true });
    const output = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));

    const projects = new Map();
    let unhandled = 0;
    let ended = false;
    child.on("message", ({ type, report, unhandled: count }) => {
      if (type === "end") {
        ended = true;
        unhandled = count;
        return;
      }
      const project = projects.get(report.project) ?? {
        passed: 0,
        failed: 0,
        skipped: 0,
        startedMs: Date.now() - report.durationMs,
      };
      projects.set(report.project, project);
      project.passed += report.passed;
      project.failed += report.failed;
      project.skipped += report.skipped.length;
      for (const name of report.retried) console.log(`passed only when tried again: ${report.file}: ${name}`);
      for (const { name, reason } of report.skipped) skipped.push({ file: report.file, name, reason });
      // The slow ones one by one, so that a long run can be followed.
      if (report.project !== "unit" || report.failed > 0) {
        const result = { passed: report.passed, failed: report.failed, skipped: report.skipped.length };
        line(
          `  ${report.project}`,
          `${report.file.replace(/^test\/[^/]+\//, "")}: ${counts(result)}`,
          Date.now() - report.durationMs,
        );
      }
      if (report.projectDone) line(report.project, counts(project), project.startedMs);
    });

    child.on("close", (code) => {
      for (const project of projects.values()) {
        total.passed += project.passed;
        total.failed += project.failed;
        total.skipped += project.skipped;
      }
      total.failed += unhandled;
      if (unhandled > 0) console.log(`vitest: ${unhandled} errors outside of any test`);
      // A run that ended badly without a failed test (coverage, configuration, a crash) is a failure of its own.
      if (code !== 0 && (!ended || total.failed === 0)) {
        console.log(`vitest ended with status ${code ?? "none"}`);
        total.failed++;
      }
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      resolve();
    });
  });
}

/** Where no reason was given, the test's or the group's name says what it needs. */
function needOf(name) {
  const parts = name.split(" > ");
  const at = parts.findIndex((part) => /\((needs|skipped)/.test(part));
  return parts.slice(0, at < 0 ? undefined : at + 1).join(" > ");
}

/** Reasons said once, with how many tests they kept from running. */
function printSkipped() {
  const byReason = new Map();
  for (const { file, name, reason } of skipped) {
    const key = reason || `${file}: ${needOf(name)}`;
    byReason.set(key, (byReason.get(key) ?? 0) + 1);
  }
  for (const [reason, count] of byReason) console.log(`skipped ${count}: ${reason}`);
}

function printCoverage() {
  const file = join(root, "coverage/coverage-summary.json");
  if (!existsSync(file)) return;
  const { lines, branches } = JSON.parse(readFileSync(file, "utf8")).total;
  console.log(`coverage: ${lines.pct} % of lines, ${branches.pct} % of branches`);
}

function printFigures() {
  const file = join(root, "test-results/figures.json");
  if (!existsSync(file)) return;
  console.log("figures (test-results/figures.json):");
  for (const [name, { value, unit }] of Object.entries(JSON.parse(readFileSync(file, "utf8"))))
    console.log(`  ${name}: ${value} ${unit}`);
}

rmSync(join(root, "test-results"), { recursive: true, force: true });
rmSync(join(root, "coverage"), { recursive: true, force: true });
mkdirSync(join(root, "test-results"), { recursive: true });

await stage("types", "tsc", ["-p", "."]);
await stage("lint", "oxlint", []);
await stage("format", "oxfmt", ["--check"]);
const built = await stage("build", "electron-vite", ["build", "--logLevel", "warn"]);

const chosen = process.argv.slice(2);
if (!built) console.log("integration and e2e are not run: they need the build");
await tests(built ? chosen : ["--project", "unit", "--project", "desktop", ...chosen]);

printCoverage();
printFigures();
printSkipped();
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;
