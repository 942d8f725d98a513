import { expect, test } from "vitest";
import { runCommand, startAgent } from "../support/agent.ts";
import { findOtherNodes } from "../support/machine.ts";
import { until } from "../support/wait.ts";

const nodes = findOtherNodes();
const NO_OTHER_NODE = "no other supported Node.js on this machine (name some in ALLUSE_OTHER_NODES)";

test("the built agent runs under the host's own Node.js as well", async ({ skip }) => {
  skip(nodes.length === 0, NO_OTHER_NODE);
  for (const node of nodes) {
    await using agent = await startAgent({ node });
    await until("a sample", 10_000, async () => (await agent.query("node_load1")).length > 0);
    await until(`all plugins to be well under ${node}`, 10_000, async () =>
      (await agent.plugins()).every(({ state }) => state === "ok" || state === "stopped"),
    );
    const { status, stdout } = await runCommand(["query", "node_load1", "--json", "--data-dir", agent.dataDir], node);
    expect(status).toBe(0);
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    expect(await agent.stop()).toBe(0);
  }
});
