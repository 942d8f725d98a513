import type { Clock } from "all-use-agent/sdk";
import { ConntrackGroup } from "./conntrack.ts";
import { CpuFrequencyGroup } from "./cpu-frequency.ts";
import { CpuGroup } from "./cpu.ts";
import { DescriptorGroup } from "./descriptors.ts";
import { DiskInfoGroup } from "./disk-info.ts";
import { DiskGroup } from "./disks.ts";
import { FileSystemGroup } from "./filesystems.ts";
import type { Facts, Group } from "./group.ts";
import { HwmonGroup } from "./hwmon.ts";
import { InterfaceGroup } from "./interfaces.ts";
import { LoadGroup } from "./load.ts";
import { MemoryGroup } from "./memory.ts";
import { NeighbourGroup } from "./neighbours.ts";
import { NetstatGroup } from "./netstat.ts";
import { NetworkGroup } from "./network.ts";
import { PowerSupplyGroup } from "./power-supply.ts";
import { PressureGroup } from "./pressure.ts";
import { SchedstatGroup } from "./schedstat.ts";
import { SocketGroup } from "./sockets.ts";
import { SoftnetGroup } from "./softnet.ts";
import { SystemGroup } from "./system.ts";
import { ThermalGroup } from "./thermal.ts";
import { ClockSourceGroup, TimeGroup } from "./time.ts";
import { TimexGroup } from "./timex.ts";
import { UdpQueueGroup } from "./udp-queues.ts";
import { VmstatGroup } from "./vmstat.ts";

/** Everything that Linux tells through /proc and /sys. */
export function procGroups(facts: Facts, clock: Clock, signal: AbortSignal): Group[] {
  return [
    new TimeGroup(facts, clock),
    new CpuGroup(facts),
    new LoadGroup(facts),
    new MemoryGroup(facts),
    new PressureGroup(facts),
    new DiskGroup(facts),
    new FileSystemGroup(facts),
    new NetworkGroup(facts),
    new DescriptorGroup(facts),
    new VmstatGroup(facts),
    new SocketGroup(facts),
    new NetstatGroup(facts),
    new SoftnetGroup(facts),
    new ConntrackGroup(facts),
    new SchedstatGroup(facts),
    new SystemGroup(facts),
    new InterfaceGroup(facts, "state"),
    new InterfaceGroup(facts, "identity"),
    new DiskInfoGroup(facts),
    new ClockSourceGroup(facts, clock),
    new CpuFrequencyGroup(facts),
    new ThermalGroup(facts),
    new HwmonGroup(facts),
    new PowerSupplyGroup(facts),
    new NeighbourGroup(facts),
    new UdpQueueGroup(facts),
    ...(facts.config.timex ? [new TimexGroup(facts, signal)] : []),
  ];
}
