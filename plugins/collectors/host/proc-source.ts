import type { Clock } from "all-use-agent/sdk";
import { ConntrackGroup } from "./conntrack.ts";
import { CpuFrequencyGroup } from "./cpu-frequency.ts";
import { CpuGroup } from "./cpu.ts";
import { DescriptorGroup } from "./descriptors.ts";
import { diskInfoGroups } from "./disk-info.ts";
import { DiskGroup } from "./disks.ts";
import { FileSystemGroup } from "./filesystems.ts";
import type { Facts, Group } from "./group.ts";
import { bcacheGroup } from "./hardware/bcache.ts";
import { BondingGroup } from "./hardware/bonding.ts";
import { btrfsGroup } from "./hardware/btrfs.ts";
import { DmiGroup } from "./hardware/dmi.ts";
import { edacGroup } from "./hardware/edac.ts";
import { fibreChannelGroup } from "./hardware/fibre-channel.ts";
import { infinibandGroup } from "./hardware/infiniband.ts";
import { IpvsGroup } from "./hardware/ipvs.ts";
import { MdGroup } from "./hardware/md.ts";
import { nfsGroups } from "./hardware/nfs.ts";
import { nvmeGroup } from "./hardware/nvme.ts";
import { raplGroup } from "./hardware/rapl.ts";
import { tapeGroup } from "./hardware/tape.ts";
import { xfsGroup } from "./hardware/xfs.ts";
import { ZfsGroup } from "./hardware/zfs.ts";
import { hwmonGroup } from "./hwmon.ts";
import { interfaceGroups } from "./interfaces.ts";
import { LoadGroup } from "./load.ts";
import { MemoryGroup } from "./memory.ts";
import { NeighbourGroup } from "./neighbours.ts";
import { NetstatGroup } from "./netstat.ts";
import { NetworkGroup } from "./network.ts";
import { powerSupplyGroup } from "./power-supply.ts";
import { PressureGroup } from "./pressure.ts";
import { ReleaseGroup } from "./release.ts";
import { SchedstatGroup } from "./schedstat.ts";
import { SocketGroup } from "./sockets.ts";
import { SoftnetGroup } from "./softnet.ts";
import { EntropyGroup, SelinuxGroup, UnameGroup } from "./system.ts";
import { TcpStateGroup } from "./tcp-states.ts";
import { TextfileGroup } from "./textfile.ts";
import { thermalGroup } from "./thermal.ts";
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
    new UnameGroup(facts),
    new ReleaseGroup(facts),
    new EntropyGroup(facts),
    new SelinuxGroup(facts),
    ...interfaceGroups(facts),
    ...diskInfoGroups(facts),
    new ClockSourceGroup(facts, clock),
    new CpuFrequencyGroup(facts),
    thermalGroup(facts),
    hwmonGroup(facts),
    powerSupplyGroup(facts),
    new NeighbourGroup(facts),
    new UdpQueueGroup(facts),
    new MdGroup(facts),
    new BondingGroup(facts),
    edacGroup(facts),
    nvmeGroup(facts),
    raplGroup(facts),
    btrfsGroup(facts),
    xfsGroup(facts),
    new ZfsGroup(facts),
    bcacheGroup(facts),
    infinibandGroup(facts),
    fibreChannelGroup(facts),
    tapeGroup(facts),
    new IpvsGroup(facts),
    ...nfsGroups(facts),
    new DmiGroup(facts),
    ...(facts.config.tcp_states ? [new TcpStateGroup(facts)] : []),
    ...(facts.config.textfile_directory ? [new TextfileGroup(facts)] : []),
    ...(facts.config.timex ? [new TimexGroup(facts, signal)] : []),
  ];
}
