import os from "node:os";
import type { Clock } from "all-use-agent/sdk";
import type { Answer } from "./asked-group.ts";
import type { Facts } from "./group.ts";

const MILLISECONDS = 1000;
const GIGAHERTZ = 1e9;
/** Megabits to bytes. */
const MEGABIT_BYTES = 125_000;
const MILLIWATTHOURS = 1000;
/** The time of the start is reckoned from uptime: a clock that is disciplined moves it by less than this. */
const BOOT_SLACK_SECONDS = 5;

/** Questions to systeminformation by subject; each answers with samples under the names of Linux. */
export type SystemFacts = Readonly<
  Record<
    | "memory"
    | "fileSystems"
    | "traffic"
    | "disks"
    | "frequencies"
    | "descriptors"
    | "interfaces"
    | "battery"
    | "temperature"
    | "system",
    () => Promise<Answer>
  >
>;

export async function systemFacts(facts: Facts, clock: Clock): Promise<SystemFacts> {
  const { default: si } = await import("systeminformation");
  const excludeNetwork = new RegExp(facts.config.network_exclude);
  const excludeType = new RegExp(facts.config.filesystem_type_exclude);
  const excludeMount = new RegExp(facts.config.filesystem_mount_exclude);
  let bootSeconds = -Infinity;

  return {
    memory: async () => {
      const mem = await si.mem();
      return given(facts, {}, [
        ["node_memory_MemAvailable_bytes", mem.available],
        ["node_memory_Buffers_bytes", mem.buffers],
        ["node_memory_Cached_bytes", mem.cached],
        ["node_memory_Slab_bytes", mem.slab],
        ["node_memory_SReclaimable_bytes", mem.reclaimable],
        ["node_memory_Dirty_bytes", mem.dirty],
        ["node_memory_Writeback_bytes", mem.writeback],
        ["node_memory_SwapTotal_bytes", mem.swaptotal],
        ["node_memory_SwapFree_bytes", mem.swapfree],
      ]);
    },

    fileSystems: async () =>
      (await si.fsSize())
        .filter(({ type, mount }) => !excludeType.test(type) && !excludeMount.test(mount))
        .flatMap(({ fs: device, type: fstype, mount: mountpoint, size, used, available, rw }) =>
          given(facts, { device, fstype, mountpoint }, [
            ["node_filesystem_size_bytes", size],
            ["node_filesystem_free_bytes", size - used],
            ["node_filesystem_avail_bytes", available],
            ["node_filesystem_readonly", rw === null ? null : rw ? 0 : 1],
          ]),
        ),

    traffic: async () =>
      (await si.networkStats("*"))
        .filter(({ iface }) => !excludeNetwork.test(iface))
        .flatMap((stats) =>
          given(facts, { device: stats.iface }, [
            ["node_network_receive_bytes_total", stats.rx_bytes],
            ["node_network_receive_drop_total", stats.rx_dropped],
            ["node_network_receive_errs_total", stats.rx_errors],
            ["node_network_transmit_bytes_total", stats.tx_bytes],
            ["node_network_transmit_drop_total", stats.tx_dropped],
            ["node_network_transmit_errs_total", stats.tx_errors],
          ]),
        ),

    /** All disks together: these systems do not tell them apart. */
    disks: async () => {
      const io = (await si.disksIO()) as Awaited<ReturnType<typeof si.disksIO>> | null;
      const bytes = (await si.fsStats()) as Awaited<ReturnType<typeof si.fsStats>> | null;
      return given(facts, { device: "all" }, [
        ["node_disk_reads_completed_total", io?.rIO],
        ["node_disk_writes_completed_total", io?.wIO],
        ["node_disk_read_bytes_total", bytes?.rx],
        ["node_disk_written_bytes_total", bytes?.wx],
      ]);
    },

    frequencies: async () =>
      (await si.cpuCurrentSpeed()).cores.flatMap((gigahertz, cpu) =>
        // A machine that does not tell says 0.
        given(facts, { cpu: String(cpu) }, [["node_cpu_scaling_frequency_hertz", gigahertz > 0 ? gigahertz * GIGAHERTZ : null]]),
      ),

    descriptors: async () => {
      // Windows counts handles of each process instead.
      if (process.platform === "win32") return [];
      const open = (await si.fsOpenFiles()) as Awaited<ReturnType<typeof si.fsOpenFiles>> | null;
      return given(facts, {}, [
        ["node_filefd_allocated", open?.allocated],
        ["node_filefd_maximum", open?.max],
      ]);
    },

    interfaces: async () => {
      const list = await si.networkInterfaces();
      return (Array.isArray(list) ? list : [list]).flatMap(({ iface, operstate, mac, duplex, mtu, speed }) => {
        const labels = { device: iface, address: mac, broadcast: "", duplex, ifalias: "", operstate };
        return [
          ...given(facts, labels, [["node_network_info", 1]]),
          ...given(facts, { device: iface }, [
            ["node_network_up", operstate === "up" ? 1 : 0],
            ["node_network_mtu_bytes", mtu],
            ["node_network_speed_bytes", speed === null ? null : speed * MEGABIT_BYTES],
          ]),
        ];
      });
    },

    battery: async () => {
      const first = await si.battery();
      return [first, ...(first.additionalBatteries ?? [])].flatMap((battery, i) => {
        if (!battery.hasBattery) return [];
        const power_supply = `BAT${i}`;
        const energy = (milliwatthours: number) =>
          battery.capacityUnit === "mWh" && milliwatthours > 0 ? milliwatthours / MILLIWATTHOURS : null;
        const { type: technology, manufacturer, model: model_name, serial: serial_number } = battery;
        const status = battery.isCharging ? "Charging" : battery.acConnected ? "Not charging" : "Discharging";
        return [
          ...given(facts, { power_supply, type: "Battery", status, technology, manufacturer, model_name, serial_number }, [
            ["node_power_supply_info", 1],
          ]),
          ...given(facts, { power_supply }, [
            ["node_power_supply_capacity", battery.percent],
            ["node_power_supply_cyclecount", battery.cycleCount || null],
            ["node_power_supply_energy_watthour", energy(battery.currentCapacity)],
            ["node_power_supply_energy_full", energy(battery.maxCapacity)],
            ["node_power_supply_energy_full_design", energy(battery.designedCapacity)],
            ["node_power_supply_voltage_volt", battery.voltage || null],
          ]),
          ...given(facts, { power_supply: "AC" }, [["node_power_supply_online", battery.acConnected ? 1 : 0]]),
        ];
      });
    },

    temperature: async () =>
      given(facts, { zone: "0", type: "cpu" }, [["node_thermal_zone_temp", (await si.cpuTemperature()).main]]),

    system: async () => {
      const { distro, release, codename } = await si.osInfo();
      const uname = {
        domainname: "(none)",
        machine: os.machine(),
        nodename: os.hostname(),
        release: os.release(),
        sysname: os.type(),
        version: os.version(),
      };
      const booted = Math.round(clock.now() / MILLISECONDS - os.uptime());
      if (Math.abs(booted - bootSeconds) > BOOT_SLACK_SECONDS) bootSeconds = booted;
      const version = /^\d+(\.\d+)?/.exec(release)?.[0];
      const named = { id: process.platform, id_like: "", name: distro };
      return [
        ...given(facts, uname, [["node_uname_info", 1]]),
        ...given(
          facts,
          { ...named, pretty_name: `${distro} ${release}`, version: release, version_codename: codename, version_id: release },
          [["node_os_info", 1]],
        ),
        ...given(facts, named, [["node_os_version", version === undefined ? null : Number(version)]]),
        ...given(facts, {}, [["node_boot_time_seconds", bootSeconds]]),
      ];
    },
  };
}

/** Samples of the values that are there; systeminformation says null, undefined or -1 for what it does not know. */
function given(
  facts: Facts,
  labels: Record<string, string>,
  values: readonly (readonly [string, number | null | undefined])[],
): Answer {
  return values.flatMap(([name, value]) =>
    typeof value === "number" && Number.isFinite(value) && value >= 0 ? [[facts.series(name, labels), value] as const] : [],
  );
}
