import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { TestContext } from "all-use-agent/sdk/testing";
import { describe, expect, it } from "vitest";
import { describeCommand } from "./commands.ts";
import plugin from "./index.ts";
import { unitOf } from "./names.ts";
import { StatLine } from "./stat-line.ts";
import { defaults, FakeProc, manifest, TICK_MS } from "./testdata/fake-proc.ts";

const CPU = "alluse_program_cpu_seconds_total";
const CHILDREN = "alluse_program_children_cpu_seconds_total";
const MB_PAGES = 256;

async function started(config: Record<string, unknown> = {}): Promise<FakeProc> {
  const proc = new FakeProc(config);
  proc.run(1, { name: "init", parent: 0, pages: 10 * MB_PAGES });
  await proc.collector.start!(proc.ctx.signal);
  return proc;
}

describe("counters of a program", () => {
  it("count what its processes use from the first look on, and keep it when they end", async () => {
    const proc = await started();
    proc.run(10, { name: "worker", cpu: 500, pages: 100 * MB_PAGES });
    await proc.tick();
    expect(proc.value(CPU, { program: "worker" })).toBe(0);
    proc.run(10, { name: "worker", cpu: 501, pages: 100 * MB_PAGES });
    proc.run(11, { name: "worker", cpu: 0.5, pages: 100 * MB_PAGES });
    await proc.tick();
    expect(proc.value(CPU, { program: "worker" })).toBe(1.5);
    expect(proc.value("alluse_program_processes", { program: "worker" })).toBe(2);
    expect(proc.value("alluse_program_resident_memory_bytes", { program: "worker" })).toBe(200 * MB_PAGES * 4096);
    proc.end(10);
    await proc.tick();
    expect(proc.value(CPU, { program: "worker" })).toBe(1.5);
    expect(proc.value("alluse_program_processes", { program: "worker" })).toBe(1);
    proc.end(11);
    await proc.tick(3);
    expect(proc.value(CPU, { program: "worker" })).toBe(1.5);
  });

  it("are not taken in by a pid that is used again", async () => {
    const proc = await started();
    proc.run(10, { name: "old", cpu: 100, startTicks: 1000, pages: 50 * MB_PAGES });
    await proc.tick();
    proc.run(10, { name: "young", cpu: 0.25, startTicks: 9000, pages: 50 * MB_PAGES });
    await proc.tick(3);
    expect(proc.value(CPU, { program: "old" }) ?? 0).toBe(0);
    expect(proc.sum(CPU)).toBe(0.25);
  });

  it("go to the new name when a process becomes another program", async () => {
    const proc = await started();
    proc.run(10, { name: "bash", cpu: 1, pages: 50 * MB_PAGES });
    await proc.tick();
    proc.run(10, { name: "gcc", cpu: 3, pages: 50 * MB_PAGES });
    await proc.tick(4);
    proc.run(10, { name: "gcc", cpu: 4, pages: 50 * MB_PAGES });
    await proc.tick();
    expect(proc.value(CPU, { program: "gcc" })).toBe(1);
    expect(proc.sum(CPU)).toBe(3);
  });

  it("add up to what all processes used, whoever has a seat", async () => {
    const proc = await started({ programs: 2 });
    let used = 0;
    const cpu = new Map<number, number>();
    for (let pid = 10; pid < 30; pid++) cpu.set(pid, 0);
    const write = (): void => cpu.forEach((seconds, pid) => proc.run(pid, { name: `p${pid}`, cpu: seconds }));
    write();
    await proc.tick();
    for (let round = 0; round < 60; round++) {
      for (const [pid, seconds] of cpu) {
        // Now these are busy, now those.
        const more = pid % 4 === (round >> 3) % 4 ? 0.4 : 0.01;
        cpu.set(pid, seconds + more);
        used += more;
      }
      write();
      const before = proc.by(CPU, "program");
      await proc.tick();
      for (const [program, value] of Object.entries(proc.by(CPU, "program")))
        expect(value, program).toBeGreaterThanOrEqual(before[program] ?? 0);
    }
    expect(proc.sum(CPU)).toBeLessThanOrEqual(used + 1e-6);
    // Those that lost their seat keep their sums for later; they are not shown.
    expect(Object.keys(proc.by(CPU, "program"))).toHaveLength(3);
  });

  it("say what children used that nobody saw, and nothing twice", async () => {
    const proc = await started();
    proc.run(10, { name: "make", pages: 50 * MB_PAGES });
    await proc.tick();
    // A child that was seen with 1 s, and used 0.5 s more before it ended.
    proc.run(11, { name: "cc1", parent: 10, cpu: 1, startTicks: 2000 });
    await proc.tick();
    proc.end(11);
    proc.run(10, { name: "make", children: 1.5, pages: 50 * MB_PAGES });
    await proc.tick(2);
    expect(proc.value(CHILDREN, { program: "make" })).toBe(0.5);
    // Children that nobody ever saw.
    proc.run(10, { name: "make", children: 3.5, pages: 50 * MB_PAGES });
    await proc.tick(2);
    expect(proc.value(CHILDREN, { program: "make" })).toBe(2.5);
    // One whose parent was read after it had waited, while it had itself been read just before.
    proc.run(12, { name: "cc1", parent: 10, cpu: 7, startTicks: 3000 });
    await proc.tick();
    proc.run(10, { name: "make", children: 10.5, pages: 50 * MB_PAGES });
    await proc.tick();
    proc.end(12);
    await proc.tick(3);
    expect(proc.value(CHILDREN, { program: "make" })).toBe(2.5);
    expect(proc.sum(CPU) + proc.sum(CHILDREN)).toBe(10.5);
  });

  it("count bytes of disks, a child's with its own program only", async () => {
    const proc = await started();
    proc.run(10, { name: "sh", pages: 50 * MB_PAGES });
    await proc.tick();
    proc.run(11, { name: "dd", parent: 10, cpu: 1, written: 5e6, startTicks: 2000, pages: 50 * MB_PAGES });
    await proc.tick();
    proc.run(11, { name: "dd", parent: 10, cpu: 2, written: 9e6, startTicks: 2000, pages: 50 * MB_PAGES });
    await proc.tick();
    proc.end(11);
    proc.run(10, { name: "sh", children: 2, written: 9e6, pages: 50 * MB_PAGES });
    await proc.tick(3);
    expect(proc.sum("alluse_program_written_bytes_total")).toBe(9e6);
    expect(proc.value("alluse_program_written_bytes_total", { program: "sh" })).toBe(0);
  });

  it.each([
    ["unit", "ssh.service"],
    ["account", expect.stringMatching(/./) as unknown as string],
  ])("are kept by %s when the operator wants that", async (groupBy, name) => {
    const proc = await started({ group_by: groupBy });
    proc.run(10, { name: "sshd", pages: 50 * MB_PAGES });
    const { writeFileSync } = await import("node:fs");
    writeFileSync(`${proc.root}/10/cgroup`, "0::/system.slice/ssh.service\n");
    await proc.tick();
    expect(Object.keys(proc.by(CPU, "program"))).toContainEqual(name);
  });
});

describe("slots", () => {
  it("show the largest by each measure, and keep who is in while others are as large", async () => {
    const proc = await started({ slots: 2 });
    const cpu = [0, 0, 0, 0];
    const all = (): void =>
      cpu.forEach((seconds, i) => proc.run(10 + i, { name: `p${i}`, cpu: seconds, pages: (10 + i) * MB_PAGES, threads: 4 + i }));
    all();
    await proc.tick();
    expect(Object.values(proc.by("alluse_top_threads", "slot")).sort((a, b) => a - b)).toEqual([6, 7]);
    const pids = (): string =>
      JSON.stringify(
        proc.ctx.emitted
          .filter((one) => one.name === "alluse_top_pid" && one.labels["ranking"] === "cpu")
          .map((one) => one.value),
      );
    let changes = 0;
    let before = "";
    for (let round = 0; round < 40; round++) {
      // All four use about the same, one more now and then another.
      for (let i = 0; i < 4; i++) cpu[i] += 0.5 + (round % 4 === i ? 0.1 : 0);
      all();
      await proc.tick();
      if (before && pids() !== before) changes++;
      before = pids();
    }
    expect(changes).toBeLessThanOrEqual(2);
    // One that is clearly above gets in soon.
    for (let round = 0; round < 8; round++) {
      proc.run(50, { name: "hog", cpu: (round + 1) * 1.9, startTicks: 5000 });
      all();
      await proc.tick();
    }
    expect(proc.value("alluse_top_info", { ranking: "cpu", program: "hog" })).toBe(1);
    const slot = proc.ctx.emitted.find(
      (one) => one.labels["program"] === "hog" && one.name === "alluse_top_info" && one.labels["ranking"] === "cpu",
    )!.labels["slot"];
    expect(proc.value("alluse_top_cpu_ratio", { slot })).toBeCloseTo(0.95, 5);
    expect(proc.value("alluse_top_pid", { ranking: "cpu", slot })).toBe(50);
  });

  it("are free when the process ends: the series stop", async () => {
    const proc = await started({ slots: 1 });
    proc.run(10, { name: "large", pages: 500 * MB_PAGES });
    await proc.tick();
    expect(proc.value("alluse_top_memory_bytes", { slot: "1" })).toBe(500 * MB_PAGES * 4096);
    proc.end(10);
    proc.end(1);
    const samples = await proc.tick();
    const last = samples.filter((one) => one.name === "alluse_top_memory_bytes");
    expect(last).toHaveLength(1);
    expect(last[0].value).toBeNaN();
    expect((await proc.tick()).filter((one) => one.name === "alluse_top_memory_bytes")).toEqual([]);
  });

  it("are written down: who was in them, from when to when", async () => {
    const proc = await started();
    proc.run(10, { name: "python3", pages: 900 * MB_PAGES, args: ["/usr/bin/python3", "/srv/train.py", "--password=hunter2"] });
    await proc.tick(10);
    proc.end(10);
    await proc.tick(5);
    const answer = await proc.collector.handle!(
      {
        method: "GET",
        path: "/api/agent/processes",
        query: new URLSearchParams(),
        header: () => undefined,
        body: () => Promise.resolve(new Uint8Array()),
      },
      proc.ctx.signal,
    );
    const { now, before } = JSON.parse(answer.body as string) as { now: { pid: number }[]; before: Record<string, unknown>[] };
    expect(now.map((one) => one.pid)).toEqual([1]);
    expect(before.find((one) => one["pid"] === 10)).toMatchObject({
      program: "python3",
      command: "python3 train.py",
      startedMs: 1700000000000 + 10_000,
      fromMs: proc.ctx.clock.now() - 14 * TICK_MS,
      toMs: proc.ctx.clock.now() - 5 * TICK_MS,
      peaks: { memory: 900 * MB_PAGES * 4096 },
    });
    expect(answer.body).not.toContain("hunter2");
    const later = await proc.collector.handle!(
      {
        method: "GET",
        path: "/api/agent/processes",
        query: new URLSearchParams({ from: "x" }),
        header: () => undefined,
        body: () => Promise.resolve(new Uint8Array()),
      },
      proc.ctx.signal,
    );
    expect(later.status).toBe(400);
  });
});

describe("totals", () => {
  it("have the names and values of node exporter", async () => {
    const proc = await started();
    proc.run(10, { state: "R", threads: 7 });
    proc.run(11, { state: "Z", threads: 1 });
    await proc.tick();
    expect(proc.value("node_processes_pids")).toBe(3);
    expect(proc.value("node_processes_threads")).toBe(9);
    expect(proc.by("node_processes_state", "state")).toEqual({ R: 1, S: 1, Z: 1 });
    expect(proc.value("node_processes_max_processes")).toBe(32768);
    expect(proc.value("node_processes_max_threads")).toBe(15000);
    proc.end(11);
    await proc.tick();
    expect(proc.by("node_processes_state", "state")).toEqual({ R: 1, S: 1, Z: 0 });
  });
});

describe("churn", () => {
  it("of 10,000 processes of as many names adds no series beyond the bound, and loses no CPU time", async () => {
    const proc = await started();
    const names = new Set<string>();
    proc.run(10, { name: "storm", pages: 50 * MB_PAGES });
    await proc.tick();
    let used = 0;
    let pid = 100;
    for (let round = 0; round < 100; round++) {
      const first = pid;
      for (; pid < first + 100; pid++)
        proc.run(pid, { name: `s${pid}`, parent: 10, cpu: 0.1, startTicks: pid, pages: 2 * MB_PAGES });
      await proc.tick();
      for (const one of proc.ctx.emitted) names.add(`${one.name}${JSON.stringify(one.labels)}`);
      for (let gone = first; gone < pid; gone++) proc.end(gone);
      used += 10;
      proc.run(10, { name: "storm", children: used, pages: 50 * MB_PAGES });
    }
    await proc.tick(4);
    expect(proc.sum(CPU)).toBeCloseTo(used, 6);
    expect(proc.sum(CHILDREN)).toBe(0);
    expect(proc.value("node_processes_pids")).toBe(3 - 1);
    expect(names.size).toBeLessThan(700);
  });

  it.skipIf(process.platform !== "linux")(
    "of real processes is survived, and what they used is found with who started them",
    async () => {
      const ctx = new TestContext(manifest);
      const collector = plugin(ctx, { ...defaults, programs: 50 });
      await collector.start!(ctx.signal);
      await collector.collect!(ctx.signal);
      // Each lives for a moment and burns some CPU; hardly any is seen while it does.
      const child = spawn("bash", ["-c", "while :; do (for j in {1..2000}; do :; done); done"]);
      try {
        const childSeconds = (): number => {
          const total = (name: string): number =>
            ctx.emitted.filter((one) => one.name === name && one.labels["program"] === "bash").at(-1)?.value ?? 0;
          return total(CPU) + total(CHILDREN);
        };
        for (let look = 0; look < 2000 && childSeconds() < 0.3; look++) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          await ctx.advance(50);
          ctx.emitted.length = 0;
          await collector.collect!(ctx.signal);
        }
        expect(childSeconds()).toBeGreaterThanOrEqual(0.3);
      } finally {
        child.kill("SIGKILL");
        await collector.stop!();
        await ctx.dispose();
      }
      // Not one descriptor is left behind.
      const open = readdirSync("/proc/self/fd").length;
      expect(open).toBeLessThan(100);
    },
  );
});

describe("a process's line", () => {
  it("is read whatever its name is", () => {
    const line = new StatLine();
    const rest = "S 7 1 1 0 -1 64 0 0 3 0 11 22 33 44 20 0 5 0 777 1000 888 18446744073709551615";
    for (const name of ["app", "a b", "a) S 1 (b", "(x)", ""]) {
      const bytes = Buffer.from(`12 (${name}) ${rest}\n`);
      expect(line.parse(bytes, bytes.length)).toBe(true);
      expect(bytes.toString("utf8", line.nameStart, line.nameEnd)).toBe(name);
      expect(line).toMatchObject({
        parent: 7,
        ownTicks: 33,
        childTicks: 77,
        threads: 5,
        startTicks: 777,
        residentPages: 888,
        majorFaults: 3,
      });
    }
  });

  it("that is none is refused", () => {
    const line = new StatLine();
    for (const text of ["", "12", "12 (", "12 (app", "12 (app)", "12 (app) S", "()()()", "x".repeat(500)]) {
      const bytes = Buffer.from(text);
      expect(line.parse(bytes, bytes.length), text).toBe(false);
    }
  });
});

describe("a command line", () => {
  it.each([
    [["/usr/sbin/sshd", "-D"], "sshd"],
    [["node", "/srv/app/index.js", "--token", "x"], "node index.js"],
    [["python3", "-c", "secret code"], "python3"],
    [["java", "-Dpassword=x", "-jar", "/srv/a.jar"], "java a.jar"],
    [["nginx: worker process"], "nginx"],
    [["postgres: app shop 10.0.0.1(5) SELECT"], "postgres"],
    [["bash", "-c", "curl https://u:p@h"], "bash"],
  ])("%j is shown as %s", (args, shown) => {
    expect(describeCommand(args, "redacted")).toBe(shown);
  });

  it("is shown in full without its secrets, or not at all", () => {
    const args = ["psql", "postgres://app:hunter2@db/shop", "--password", "hunter2", "-v\u001b[31m"];
    expect(describeCommand(args, "full")).toBe("psql postgres://app:***@db/shop --password *** -v [31m");
    expect(describeCommand(args, "none")).toBe("");
  });
});

describe("a unit", () => {
  it.each([
    ["0::/system.slice/ssh.service\n", "ssh.service"],
    ["0::/user.slice/user-1000.slice/session-3.scope\n", "session"],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-12345.scope\n", "app-gnome-firefox"],
    [`0::/system.slice/docker-${"0123456789ab".padEnd(64, "c")}.scope\n`, "container:0123456789ab"],
    [`0::/kubepods/burstable/pod1/${"abcdef012345".padEnd(64, "0")}\n`, "container:abcdef012345"],
    ["12:cpu:/x\n1:name=systemd:/system.slice/cron.service\n", "cron.service"],
    ["0::/\n", "root"],
  ])("%s", (text, unit) => {
    expect(unitOf(text)).toBe(unit);
  });
});
