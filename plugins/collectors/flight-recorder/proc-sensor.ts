import fs from "node:fs";
import { CHANNEL } from "./channels.ts";
import { hashOf, Numbers } from "./numbers.ts";
import { growth, type Sensor } from "./sensor.ts";

/** Readings between two tries of a file that is not there, and between two looks for new disks: half a minute. */
const AGAIN = 150;
const KIB = 1024;
const SECTOR_BYTES = 512;
/** Devices that are made of others, or of memory: what they move would count twice. */
const MADE_OF_OTHERS = /^(?:loop|ram|zram|dm-|md|sr|fd|nbd|drbd)/;
const CPU_TIMES = 8;
const IDLE = 3;
const IOWAIT = 4;
const STEAL = 7;

/** One file of procfs with its descriptor kept. Fails alone. */
interface Part {
  readonly path: string;
  readonly take: (row: Float64Array, spanMs: number) => void;
  fd: number;
  rest: number;
}

/** The machine from /proc: seven files, their descriptors kept, numbers taken where they stand. */
export class ProcSensor implements Sensor {
  private readonly numbers = new Numbers();
  private readonly parts: Part[];
  private readonly sysPath: string;
  private readonly cpu = new Float64Array(CPU_TIMES);
  private readonly pressure = new Float64Array(CHANNEL.pressure_io_full + 1);
  private readonly disks = new Map<number, { busyMs: number; sectors: number }>();
  private readonly loopback = hashOf("lo");
  private received = 0;
  private sent = 0;
  private looks = 0;

  constructor(procPath: string, sysPath: string) {
    this.sysPath = sysPath;
    const part = (file: string, take: Part["take"]): Part => ({ path: `${procPath}/${file}`, take, fd: -1, rest: 0 });
    this.parts = [
      part("stat", (row) => this.takeCpu(row)),
      part("loadavg", (row) => this.takeRunnable(row)),
      part("meminfo", (row) => this.takeMemory(row)),
      part("pressure/cpu", (row, spanMs) => this.takePressure(row, spanMs, CHANNEL.pressure_cpu_some, -1)),
      part("pressure/memory", (row, spanMs) =>
        this.takePressure(row, spanMs, CHANNEL.pressure_memory_some, CHANNEL.pressure_memory_full),
      ),
      part("pressure/io", (row, spanMs) => this.takePressure(row, spanMs, CHANNEL.pressure_io_some, CHANNEL.pressure_io_full)),
      part("diskstats", (row, spanMs) => this.takeDisks(row, spanMs)),
      part("net/dev", (row, spanMs) => this.takeNetwork(row, spanMs)),
    ];
  }

  read(row: Float64Array, spanMs: number): void {
    row.fill(NaN);
    if (this.looks++ % AGAIN === 0) this.findDisks();
    for (const part of this.parts) {
      if (part.rest > 0) {
        part.rest--;
        continue;
      }
      try {
        if (part.fd < 0) part.fd = fs.openSync(part.path, "r");
        this.numbers.read(part.fd);
      } catch {
        // Not every kernel has every file: its columns stay empty.
        this.shut(part);
        part.rest = AGAIN;
        continue;
      }
      part.take(row, spanMs);
    }
  }

  dispose(): void {
    for (const part of this.parts) this.shut(part);
  }

  private shut(part: Part): void {
    if (part.fd >= 0) fs.closeSync(part.fd);
    part.fd = -1;
  }

  /** The first line of /proc/stat: user nice system idle iowait irq softirq steal, of all processors. */
  private takeCpu(row: Float64Array): void {
    const { cpu, numbers } = this;
    let total = 0;
    let idle = 0;
    let iowait = 0;
    let steal = 0;
    for (let mode = 0; mode < CPU_TIMES; mode++) {
      const now = numbers.next();
      const grown = growth(now, cpu[mode]);
      cpu[mode] = Math.max(now, cpu[mode]);
      total += grown;
      if (mode === IDLE) idle = grown;
      else if (mode === IOWAIT) iowait = grown;
      else if (mode === STEAL) steal = grown;
    }
    if (total <= 0) return;
    row[CHANNEL.cpu_busy_ratio] = 1 - (idle + iowait) / total;
    row[CHANNEL.cpu_iowait_ratio] = iowait / total;
    row[CHANNEL.cpu_steal_ratio] = steal / total;
  }

  /** `0.50 1.25 2.00 3/100 1234`: three threads can run. */
  private takeRunnable(row: Float64Array): void {
    this.numbers.skip(6);
    row[CHANNEL.runnable_threads] = this.numbers.next();
  }

  private takeMemory(row: Float64Array): void {
    if (this.numbers.behind("MemAvailable:")) row[CHANNEL.memory_available_bytes] = this.numbers.next() * KIB;
  }

  /** The lines `some` and `full`, each ending in the microseconds lost. */
  private takePressure(row: Float64Array, spanMs: number, some: number, full: number): void {
    for (const column of [some, full]) {
      if (column < 0 || !this.numbers.behind("total=")) return;
      const now = this.numbers.next();
      if (spanMs > 0) row[column] = Math.min(1, growth(now, this.pressure[column]) / (spanMs * 1000));
      this.pressure[column] = now;
    }
  }

  /** Of whole disks: the busiest one's share of the time, and what all moved. */
  private takeDisks(row: Float64Array, spanMs: number): void {
    const { numbers, disks } = this;
    if (disks.size === 0) return;
    let busiest = 0;
    let sectors = 0;
    do {
      numbers.skip(2);
      const disk = disks.get(numbers.word());
      if (!disk) continue;
      numbers.skip(2);
      const read = numbers.next();
      numbers.skip(3);
      const moved = read + numbers.next();
      numbers.skip(2);
      const busyMs = numbers.next();
      if (disk.busyMs > 0 || disk.sectors > 0) {
        busiest = Math.max(busiest, growth(busyMs, disk.busyMs));
        sectors += growth(moved, disk.sectors);
      }
      disk.busyMs = busyMs;
      disk.sectors = moved;
    } while (numbers.line());
    if (spanMs <= 0) return;
    row[CHANNEL.disk_busy_ratio] = Math.min(1, busiest / spanMs);
    row[CHANNEL.disk_bytes_per_second] = (sectors * SECTOR_BYTES * 1000) / spanMs;
  }

  /** All devices but the loopback. */
  private takeNetwork(row: Float64Array, spanMs: number): void {
    const { numbers } = this;
    let received = 0;
    let sent = 0;
    numbers.line();
    while (numbers.line()) {
      if (numbers.word() === this.loopback) continue;
      received += numbers.next();
      numbers.skip(7);
      sent += numbers.next();
    }
    if (spanMs > 0) {
      row[CHANNEL.network_received_bytes_per_second] = (growth(received, this.received) * 1000) / spanMs;
      row[CHANNEL.network_sent_bytes_per_second] = (growth(sent, this.sent) * 1000) / spanMs;
    }
    this.received = received;
    this.sent = sent;
  }

  private findDisks(): void {
    let names: string[];
    try {
      names = fs.readdirSync(`${this.sysPath}/block`);
    } catch {
      names = [];
    }
    const found = new Set(names.filter((name) => !MADE_OF_OTHERS.test(name)).map(hashOf));
    for (const hash of this.disks.keys()) if (!found.has(hash)) this.disks.delete(hash);
    for (const hash of found) if (!this.disks.has(hash)) this.disks.set(hash, { busyMs: 0, sectors: 0 });
  }
}
