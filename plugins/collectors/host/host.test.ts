import fs, { type StatsFs } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Machine, ticksUntil } from "./testdata/machine.ts";

const CPU0 = { cpu: "0", mode: "user" };
const asRoot = process.getuid?.() === 0;

function stat(cpus: Record<number, string>): string {
  const lines = Object.entries(cpus).map(([cpu, times]) => `cpu${cpu} ${times}`);
  return `cpu  0 0 0 0 0 0 0 0 0 0\n${lines.join("\n")}\nintr 1\nctxt 1\nbtime 1\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n`;
}

describe("a tick", () => {
  test("gives every sample the time at which the reading began", async () => {
    const machine = await new Machine().start();
    const samples = machine.tick();
    expect(new Set(samples.all.map(({ timestampMs }) => timestampMs))).toEqual(new Set([machine.ctx.clock.now()]));
    expect(samples.value("node_time_seconds")).toBe(machine.ctx.clock.now() / 1000);
    expect(samples.value("node_load1")).toBe(0.5);
    expect(samples.value("node_load15")).toBe(2);
    expect(samples.value("node_memory_MemAvailable_bytes")).toBe(400 * 1024);
    expect(samples.value("node_boot_time_seconds")).toBe(1_700_000_000);
    expect(machine.ctx.states).toEqual([]);
  });

  test("slow groups are read at the first tick and then in turn", async () => {
    const machine = await new Machine(
      { "proc/net/arp": "IP\n10.0.0.1 0x1 0x2 aa:bb * eth0\n" },
      { slow_interval_ms: 5000 },
    ).start();
    const seen = Array.from({ length: 12 }, () => machine.tick().value("node_arp_entries"));
    expect(seen[0]).toBe(1);
    expect(seen.slice(1).filter((value) => value === 1).length).toBe(2);
    const first = seen.indexOf(1, 1);
    expect(seen[first + 5]).toBe(1);
  });
});

describe("CPU time", () => {
  test("a counter that the kernel lets fall a little stays where it was", async () => {
    const machine = await new Machine({ "proc/stat": stat({ 0: "100 0 50 1000 20 0 0 0 0 0" }) }).start();
    machine.tick();
    machine.write("proc/stat", stat({ 0: "101 0 50 999 18 0 0 0 0 0" }));
    const samples = machine.tick();
    expect(samples.value("node_cpu_seconds_total", { cpu: "0", mode: "idle" })).toBe(10);
    expect(samples.value("node_cpu_seconds_total", { cpu: "0", mode: "iowait" })).toBe(0.2);
    expect(samples.value("node_cpu_seconds_total", CPU0)).toBe(1.01);
  });

  test("a CPU that was taken out and put back starts anew", async () => {
    const machine = await new Machine({ "proc/stat": stat({ 0: "100 0 50 1000 20 0 0 0 0 0" }) }).start();
    machine.tick();
    machine.write("proc/stat", stat({ 0: "3 0 1 10 0 0 0 0 0 0" }));
    expect(machine.tick().value("node_cpu_seconds_total", CPU0)).toBe(0.03);
  });

  test("a CPU that comes is seen at the next tick; one that goes ends with staleness markers, once", async () => {
    const machine = await new Machine({ "proc/stat": stat({ 0: "1 0 0 1 0 0 0 0 0 0" }) }).start();
    machine.tick();
    machine.write("proc/stat", stat({ 0: "1 0 0 1 0 0 0 0 0 0", 1: "7 0 0 1 0 0 0 0 0 0" }));
    expect(machine.tick().value("node_cpu_seconds_total", { cpu: "1", mode: "user" })).toBe(0.07);
    machine.write("proc/stat", stat({ 0: "2 0 0 1 0 0 0 0 0 0" }));
    const gone = machine.tick();
    expect(gone.value("node_cpu_seconds_total", { cpu: "1", mode: "user" })).toBeNaN();
    expect(gone.value("node_cpu_seconds_total", CPU0)).toBe(0.02);
    expect(machine.tick().value("node_cpu_seconds_total", { cpu: "1", mode: "user" })).toBeUndefined();
  });
});

describe("a group that fails", () => {
  test.skipIf(asRoot)("for want of permission (needs somebody other than root)", async () => {
    const machine = new Machine();
    fs.chmodSync(join(machine.root, "proc/meminfo"), 0);
    await machine.start();
    expect(machine.tick().value("node_load1")).toBe(0.5);
    expect(machine.ctx.states[0].reason).toContain("EACCES");
  });

  test("degrades alone, says so once, and says once that it is well again", async () => {
    const broken = new Machine();
    const text = fs.readFileSync(join(broken.root, "proc/meminfo"), "utf8");
    broken.remove("proc/meminfo");
    await broken.start();
    for (let i = 0; i < 3; i++) {
      const samples = broken.tick();
      expect(samples.value("node_memory_MemTotal_bytes")).toBeUndefined();
      expect(samples.value("node_load1")).toBe(0.5);
    }
    expect(broken.ctx.states.length).toBe(1);
    expect(broken.ctx.states[0]).toMatchObject({ state: "degraded" });
    expect(broken.ctx.states[0].reason).toContain("meminfo: ENOENT");
    broken.write("proc/meminfo", text);
    for (let i = 0; i < 3; i++) broken.tick();
    expect(broken.ctx.states.length).toBe(2);
    expect(broken.ctx.states[1]).toMatchObject({ state: "ok" });
    expect(broken.tick().value("node_memory_MemTotal_bytes")).toBe(1000 * 1024);
  });

  test("ends the series it gave before", async () => {
    const machine = await new Machine({ "proc/self/mounts": "" }).start();
    expect(machine.tick().value("node_entropy_available_bits")).toBe(256);
    const read = vi.spyOn(fs, "readSync").mockImplementation(() => {
      throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
    });
    try {
      const samples = machine.tick();
      expect(samples.value("node_load1")).toBeNaN();
      expect(samples.value("node_time_seconds")).toBeGreaterThan(0);
      expect(machine.ctx.states.at(-1)?.reason).toContain("loadavg: EIO");
    } finally {
      read.mockRestore();
    }
    const after = machine.tick();
    expect(after.value("node_load1")).toBe(0.5);
    expect(after.value("node_memory_MemTotal_bytes")).toBe(1000 * 1024);
    expect(machine.ctx.states.at(-1)?.state).toBe("ok");
  });

  test("an optional subject that this machine lacks is no trouble", async () => {
    const machine = await new Machine().start();
    for (let i = 0; i < 3; i++) machine.tick();
    expect(machine.ctx.states).toEqual([]);
  });
});

describe("disks", () => {
  const line = (device: string, reads: number) => `   8 0 ${device} ${reads} 2 3 4 5 6 7 8 0 10 11 12 13 14 15 16 17\n`;

  test("are told in bytes and seconds; partitions and loop devices are left out", async () => {
    const machine = await new Machine({
      "proc/diskstats": line("sda", 1) + line("sda1", 1) + line("loop0", 1) + line("nvme0n1", 9),
    }).start();
    const samples = machine.tick();
    expect(samples.named("node_disk_io_now").map(({ labels }) => labels.device)).toEqual(["sda", "nvme0n1"]);
    expect(samples.value("node_disk_read_bytes_total", { device: "sda" })).toBe(3 * 512);
    expect(samples.value("node_disk_written_bytes_total", { device: "sda" })).toBe(7 * 512);
    expect(samples.value("node_disk_io_time_seconds_total", { device: "sda" })).toBe(0.01);
    expect(samples.value("node_disk_flush_requests_time_seconds_total", { device: "sda" })).toBe(0.017);
    expect(samples.value("node_disk_reads_completed_total", { device: "nvme0n1" })).toBe(9);
  });

  test("an older kernel's shorter line gives fewer series", async () => {
    const machine = await new Machine({ "proc/diskstats": "8 0 sda 1 2 3 4 5 6 7 8 0 10 11\n" }).start();
    const samples = machine.tick();
    expect(samples.value("node_disk_io_time_weighted_seconds_total", { device: "sda" })).toBe(0.011);
    expect(samples.named("node_disk_discards_completed_total")).toEqual([]);
  });

  test("a disk that comes between others does not disturb them", async () => {
    const machine = await new Machine({ "proc/diskstats": line("sda", 1) + line("sdc", 3) }).start();
    machine.tick();
    machine.write("proc/diskstats", line("sda", 1) + line("sdb", 2) + line("sdc", 3));
    const samples = machine.tick();
    for (const [device, reads] of [
      ["sda", 1],
      ["sdb", 2],
      ["sdc", 3],
    ] as const) {
      expect(samples.value("node_disk_reads_completed_total", { device })).toBe(reads);
    }
  });

  test("what udev knows becomes labels", async () => {
    const machine = await new Machine({
      "proc/diskstats": line("sda", 1),
      "run/udev/data/b8:0":
        "S:disk\nE:ID_MODEL=Fast_Disk\nE:ID_SERIAL_SHORT=X1\nE:ID_ATA=1\nE:ID_ATA_ROTATION_RATE_RPM=7200\nE:ID_FS_TYPE=ext4\n",
    }).start();
    const samples = machine.tick();
    expect(samples.named("node_disk_info")[0].labels).toMatchObject({
      device: "sda",
      major: "8",
      model: "Fast_Disk",
      serial: "X1",
      wwn: "",
    });
    expect(samples.value("node_disk_ata_rotation_rate_rpm", { device: "sda" })).toBe(7200);
    expect(samples.value("node_disk_filesystem_info", { type: "ext4" })).toBe(1);
  });
});

describe("network protocols", () => {
  test("wanted fields are found by name, wherever they stand", async () => {
    const machine = await new Machine({
      "proc/net/netstat":
        "TcpExt: SyncookiesSent Other TCPTimeouts\nTcpExt: 1 2 3\nIpExt: InNoRoutes InOctets\nIpExt: 4 18446744073709551615\n",
      "proc/net/snmp": "Tcp: ActiveOpens CurrEstab\nTcp: 5 6\n",
      "proc/net/snmp6": "Ip6InOctets                     \t9\nUdp6RcvbufErrors 8\nIp6InReceives 3\n",
    }).start();
    const samples = machine.tick();
    expect(samples.value("node_netstat_TcpExt_SyncookiesSent")).toBe(1);
    expect(samples.value("node_netstat_TcpExt_TCPTimeouts")).toBe(3);
    expect(samples.value("node_netstat_IpExt_InOctets")).toBe(2 ** 64);
    expect(samples.value("node_netstat_Tcp_CurrEstab")).toBe(6);
    expect(samples.value("node_netstat_Ip6_InOctets")).toBe(9);
    expect(samples.value("node_netstat_Udp6_RcvbufErrors")).toBe(8);
    expect(samples.all.filter(({ name }) => name.startsWith("node_netstat_")).length).toBe(7);
  });

  test("a machine without IPv6 has the rest", async () => {
    const machine = await new Machine({
      "proc/net/netstat": "TcpExt: TCPTimeouts\nTcpExt: 3\n",
      "proc/net/snmp": "Tcp: ActiveOpens\nTcp: 5\n",
      "proc/net/sockstat": "sockets: used 17\nTCP: inuse 1 orphan 0 tw 1 alloc 1 mem 2\n",
    }).start();
    const samples = machine.tick();
    expect(samples.value("node_netstat_Tcp_ActiveOpens")).toBe(5);
    expect(samples.value("node_sockstat_sockets_used")).toBe(17);
    expect(samples.value("node_sockstat_TCP_mem_bytes")).toBe(8192);
    expect(machine.ctx.states).toEqual([]);
  });

  test("interfaces: a link that comes up says its speed; one that vanishes ends", async () => {
    const device = (operstate: string): Record<string, string> => ({
      "sys/class/net/eth0/operstate": `${operstate}\n`,
      "sys/class/net/eth0/flags": "0x1003\n",
      "sys/class/net/eth0/ifindex": "2\n",
      "sys/class/net/eth0/address": "02:00:00:00:00:01\n",
    });
    const machine = await new Machine({ ...device("down"), "sys/class/net/bonding_masters": "" }).start();
    const down = machine.tick();
    expect(down.value("node_network_up", { device: "eth0" })).toBe(0);
    expect(down.value("node_network_flags", { device: "eth0" })).toBe(4099);
    expect(down.value("node_network_info", { address: "02:00:00:00:00:01", operstate: "down", duplex: "" })).toBe(1);
    machine.write("sys/class/net/eth0/operstate", "up\n");
    machine.write("sys/class/net/eth0/speed", "1000\n");
    const up = machine.tick();
    expect(up.value("node_network_up", { device: "eth0" })).toBe(1);
    expect(up.value("node_network_speed_bytes", { device: "eth0" })).toBe(125_000_000);
    machine.remove("sys/class/net/eth0");
    expect(machine.tick().value("node_network_up", { device: "eth0" })).toBeNaN();
    expect(machine.tick().value("node_network_up", { device: "eth0" })).toBeUndefined();
  });
});

test("of many interfaces each tick reads some, and all have had their turn when the slow interval is over", async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 100; i++) files[`sys/class/net/veth${i}/operstate`] = "up\n";
  const machine = await new Machine(files, { slow_interval_ms: 10_000 }).start();
  expect(machine.tick().named("node_network_up").length).toBe(100);
  const seen = Array.from({ length: 10 }, () =>
    machine
      .tick()
      .named("node_network_up")
      .map(({ labels }) => labels.device),
  );
  expect(Math.max(...seen.map((devices) => devices.length))).toBeLessThan(30);
  expect(seen.flat().length).toBe(100);
  expect(new Set(seen.flat()).size).toBe(100);
});

describe("file systems", () => {
  const MEMORY = "tmpfs /tmp tmpfs rw,nosuid 0 0\n";

  test("a mount that comes is seen within five ticks, one that goes ends, places with blanks are read right", async () => {
    const machine = new Machine({ "proc/self/mounts": MEMORY, "tmp/x": "", "my disk/x": "" });
    await machine.start();
    const before = machine.tick();
    expect(before.value("node_filesystem_size_bytes", { mountpoint: "/tmp" })).toBeGreaterThan(0);
    machine.write("proc/self/mounts", `${MEMORY}/dev/sdb1 /my\\040disk ext4 ro,relatime 0 0\nproc /proc proc rw 0 0\n`);
    const afterFive = () => Array.from({ length: 5 }, () => machine.tick());
    const after = afterFive()[4];
    expect(
      after.value("node_filesystem_avail_bytes", { device: "/dev/sdb1", mountpoint: "/my disk", fstype: "ext4" }),
    ).toBeGreaterThan(0);
    expect(after.value("node_filesystem_readonly", { mountpoint: "/my disk" })).toBe(1);
    expect(after.named("node_filesystem_files").length).toBe(2);
    machine.write("proc/self/mounts", MEMORY);
    const gone = afterFive();
    const theirs = gone.map((samples) => samples.value("node_filesystem_avail_bytes", { mountpoint: "/my disk" }));
    expect(theirs.filter((value) => Number.isNaN(value)).length).toBe(1);
    expect(gone[4].value("node_filesystem_avail_bytes", { mountpoint: "/tmp" })).toBeGreaterThan(0);
  });

  test("one that was unmounted is not told the numbers of what lies below it", async () => {
    const machine = await new Machine({ "proc/self/mounts": MEMORY, "tmp/x": "" }).start();
    const whole = machine.tick().value("node_filesystem_size_bytes");
    const below = Object.assign(fs.statfsSync(machine.root), { blocks: 1, bsize: 4096 });
    const statfs = vi.spyOn(fs, "statfsSync").mockReturnValue(below);
    try {
      machine.write("proc/self/mounts", "");
      const samples = machine.tick();
      expect(whole).toBeGreaterThan(4096);
      expect(samples.value("node_filesystem_size_bytes")).toBeNaN();
    } finally {
      statfs.mockRestore();
    }
  });

  test("one that cannot be asked is a device error, and the tick goes on", async () => {
    const machine = await new Machine({ "proc/self/mounts": "/dev/sdz /nowhere ext4 rw 0 0\n" }).start();
    const samples = machine.tick();
    expect(samples.value("node_filesystem_device_error", { mountpoint: "/nowhere" })).toBe(1);
    expect(samples.named("node_filesystem_size_bytes")).toEqual([]);
    expect(machine.ctx.states).toEqual([]);
  });

  test("those that may hang are asked on a thread; answers come with the next tick", async () => {
    const machine = await new Machine({ "proc/self/mounts": "server:/x /mnt/x nfs4 rw 0 0\n", "mnt/x/y": "" }).start();
    machine.tick();
    await vi.waitFor(() => expect(machine.tick().value("node_filesystem_size_bytes", { fstype: "nfs4" })).toBeGreaterThan(0), {
      timeout: 60_000,
    });
  });

  test("servers that never answer block nothing, hold two threads at most and are reported", async () => {
    const asked: string[] = [];
    const statfs = vi
      .spyOn(fs, "statfs")
      .mockImplementation(((path: string) => void asked.push(path)) as unknown as typeof fs.statfs);
    const clock = vi.spyOn(performance, "now");
    try {
      const mounts = ["a", "b", "c", "d"].map((name) => `server:/${name} /mnt/${name} nfs4 rw 0 0\n`).join("");
      // A local disk below a dead mount point may hang as well: the way to it leads there.
      const machine = await new Machine({
        "proc/self/mounts": `${mounts}/dev/sda /mnt/a/disk ext4 rw 0 0\n${MEMORY}`,
        "tmp/x": "",
      }).start();
      clock.mockReturnValue(1000);
      machine.tick();
      expect(asked.length).toBe(2);
      clock.mockReturnValue(7000);
      const late = machine.tick();
      expect(late.value("node_filesystem_device_error", { mountpoint: "/mnt/a" })).toBe(1);
      expect(late.value("node_filesystem_size_bytes", { mountpoint: "/tmp" })).toBeGreaterThan(0);
      expect(late.value("node_filesystem_device_error", { mountpoint: "/mnt/a/disk" })).toBe(1);
      expect(asked.length).toBe(2);
    } finally {
      statfs.mockRestore();
      clock.mockRestore();
    }
  });

  test("an answer that comes late mends the mount", async () => {
    let answer: ((error: null, stats: StatsFs) => void) | undefined;
    const statfs = vi
      .spyOn(fs, "statfs")
      .mockImplementation(((_path: string, done: typeof answer) => void (answer = done)) as unknown as typeof fs.statfs);
    const clock = vi.spyOn(performance, "now");
    try {
      const machine = await new Machine({ "proc/self/mounts": "server:/x /mnt/x nfs4 rw 0 0\n" }).start();
      clock.mockReturnValue(1000);
      machine.tick();
      clock.mockReturnValue(9000);
      expect(machine.tick().value("node_filesystem_device_error")).toBe(1);
      answer!(null, fs.statfsSync(machine.root));
      const mended = machine.tick();
      expect(mended.value("node_filesystem_device_error")).toBe(0);
      expect(mended.value("node_filesystem_size_bytes")).toBeGreaterThan(0);
    } finally {
      statfs.mockRestore();
      clock.mockRestore();
    }
  });
});

describe("sensors", () => {
  test("chips, zones and batteries are told in base units under stable names", async () => {
    const machine = new Machine({
      "sys/devices/platform/coretemp.0/x": "",
      "sys/class/hwmon/hwmon3/name": "coretemp\n",
      "sys/class/hwmon/hwmon3/temp1_input": "45000\n",
      "sys/class/hwmon/hwmon3/temp1_label": "Package id 0\n",
      "sys/class/hwmon/hwmon3/temp1_crit_alarm": "0\n",
      "sys/class/hwmon/hwmon3/fan2_input": "1200\n",
      "sys/class/hwmon/hwmon3/in0_input": "3312\n",
      "sys/class/hwmon/hwmon3/power1_average": "15000000\n",
      "sys/class/thermal/thermal_zone0/type": "acpitz\n",
      "sys/class/thermal/thermal_zone0/temp": "27800\n",
      "sys/class/power_supply/BAT0/type": "Battery\n",
      "sys/class/power_supply/BAT0/capacity": "81\n",
      "sys/class/power_supply/BAT0/energy_now": "36580000\n",
      "sys/class/power_supply/BAT0/temp": "304\n",
      "sys/class/power_supply/BAT0/status": "Discharging\n",
      "sys/devices/system/cpu/online": "0\n",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1699981\n",
      "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
      "sys/devices/system/cpu/cpu0/topology/core_id": "3\n",
      "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "5\n",
    });
    machine.link("sys/class/hwmon/hwmon3/device", join(machine.root, "sys/devices/platform/coretemp.0"));
    await machine.start();
    const samples = await ticksUntil(machine, ["node_hwmon_temp_celsius", "node_thermal_zone_temp", "node_power_supply_info"]);
    const chip = "platform_coretemp_0";
    expect(samples.value("node_hwmon_temp_celsius", { chip, sensor: "temp1" })).toBe(45);
    expect(samples.value("node_hwmon_sensor_label", { chip, sensor: "temp1", label: "Package id 0" })).toBe(1);
    expect(samples.value("node_hwmon_temp_crit_alarm_celsius", { chip, sensor: "temp1" })).toBe(0);
    expect(samples.value("node_hwmon_fan_rpm", { chip, sensor: "fan2" })).toBe(1200);
    expect(samples.value("node_hwmon_in_volts", { chip, sensor: "in0" })).toBeCloseTo(3.312, 12);
    expect(samples.value("node_hwmon_power_average_watt", { chip, sensor: "power1" })).toBe(15);
    expect(samples.value("node_hwmon_chip_names", { chip, chip_name: "coretemp" })).toBe(1);
    expect(samples.value("node_thermal_zone_temp", { zone: "0", type: "acpitz" })).toBe(27.8);
    expect(samples.value("node_power_supply_capacity", { power_supply: "BAT0" })).toBe(81);
    expect(samples.value("node_power_supply_energy_watthour", { power_supply: "BAT0" })).toBe(36.58);
    expect(samples.value("node_power_supply_temp_celsius", { power_supply: "BAT0" })).toBe(30.4);
    expect(samples.value("node_power_supply_info", { status: "Discharging", type: "Battery" })).toBe(1);
    expect(samples.value("node_cpu_scaling_frequency_hertz", { cpu: "0" })).toBe(1_699_981_000);
    expect(samples.value("node_cpu_core_throttles_total", { core: "3", package: "0" })).toBe(5);
  });
});

describe("kernel counters", () => {
  test("pressure, schedstat, softnet, conntrack, descriptors and neighbours", async () => {
    const machine = await new Machine({
      "proc/pressure/cpu":
        "some avg10=0.07 avg60=0.41 avg300=0.62 total=17283747\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
      "proc/pressure/io":
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
      "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=3\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4\n",
      "proc/schedstat": "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 2045936778163039 343796328169361 4767485306\ndomain0 0 1\n",
      "proc/net/softnet_stat":
        "0000020a 00000001 00000002 0 0 0 0 0 0 0 0 0 00000000 0 0\n00003983 0 0 0 0 0 0 0 0 0 0 0 00000005 0 0\n",
      "proc/sys/net/netfilter/nf_conntrack_count": "123\n",
      "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
      "proc/net/stat/nf_conntrack": `entries  found\n${"0000000a ".repeat(17)}\n${"00000001 ".repeat(17)}\n`,
      "proc/sys/fs/file-nr": "1024\t0\t1631329\n",
      "proc/net/arp": "IP address\n1 0x1 0x2 aa * eth0\n2 0x1 0x2 aa * eth1\n3 0x1 0x2 aa * eth0\n",
      "proc/net/udp": "sl local\n 1: 00:1 00:0 07 00000010:00000020 00:0\n 2: 00:1 00:0 07 00000001:00000002 00:0\n",
      "proc/net/udp6": "sl local\n",
    }).start();
    const samples = machine.tick();
    expect(samples.value("node_pressure_cpu_waiting_seconds_total")).toBeCloseTo(17.283747, 9);
    expect(samples.value("node_pressure_io_stalled_seconds_total")).toBe(1);
    expect(samples.value("node_pressure_memory_stalled_seconds_total")).toBe(0.000004);
    expect(samples.value("node_schedstat_running_seconds_total", { cpu: "0" })).toBeCloseTo(2045936.778163039, 6);
    expect(samples.value("node_schedstat_timeslices_total", { cpu: "0" })).toBe(4767485306);
    expect(samples.value("node_softnet_processed_total", { cpu: "5" })).toBe(0x3983);
    expect(samples.value("node_softnet_times_squeezed_total", { cpu: "0" })).toBe(2);
    expect(samples.value("node_nf_conntrack_entries")).toBe(123);
    expect(samples.value("node_nf_conntrack_stat_search_restart")).toBe(11);
    expect(samples.value("node_filefd_maximum")).toBe(1631329);
    expect(samples.value("node_arp_entries", { device: "eth0" })).toBe(2);
    expect(samples.value("node_udp_queues", { ip: "v4", queue: "tx" })).toBe(17);
    expect(samples.value("node_udp_queues", { ip: "v4", queue: "rx" })).toBe(34);
    expect(samples.value("node_udp_queues", { ip: "v6", queue: "rx" })).toBe(0);
  });

  test("a machine with more series than the first batch holds loses none", async () => {
    const cpus = Object.fromEntries(Array.from({ length: 200 }, (_, cpu) => [cpu, `${cpu} 0 0 1 0 0 0 0 0 0`]));
    const machine = await new Machine({ "proc/stat": stat(cpus) }).start();
    const samples = machine.tick();
    expect(samples.named("node_cpu_seconds_total").length).toBe(1600);
    expect(samples.value("node_cpu_seconds_total", { cpu: "199", mode: "user" })).toBe(1.99);
    expect(new Set(samples.all.map(({ timestampMs }) => timestampMs)).size).toBe(1);
  });
});
