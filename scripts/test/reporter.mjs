/** A vitest reporter that tells `scripts/test.mjs`, over the fork's channel, what passed, failed and was skipped and why. */
import { relative } from "node:path";

export default class ChannelReporter {
  #root = "";
  #open = new Map();

  onInit(vitest) {
    this.#root = vitest.config.root;
  }

  onTestRunStart(specifications) {
    for (const { project } of specifications) this.#open.set(project.name, (this.#open.get(project.name) ?? 0) + 1);
  }

  onTestModuleEnd(module) {
    const project = module.project.name;
    const left = (this.#open.get(project) ?? 1) - 1;
    this.#open.set(project, left);

    const file = relative(this.#root, module.moduleId).replaceAll("\\", "/");
    const report = {
      project,
      file,
      passed: 0,
      failed: module.errors().length,
      skipped: [],
      retried: [],
      durationMs: module.diagnostic().duration,
      projectDone: left === 0,
    };
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed" && (test.diagnostic()?.retryCount ?? 0) > 0) report.retried.push(test.fullName);
      if (result.state === "passed") report.passed++;
      else if (result.state === "failed") report.failed++;
      else report.skipped.push({ name: test.fullName, reason: result.note ?? "" });
    }
    for (const suite of module.children.allSuites()) report.failed += suite.errors().length;
    process.send?.({ type: "module", report });
  }

  onTestRunEnd(_modules, unhandledErrors) {
    process.send?.({ type: "end", unhandled: unhandledErrors.length });
  }
}
