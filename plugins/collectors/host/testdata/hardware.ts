/**
 * For tests: /proc and /sys of a server that has everything, as the kernel's documentation describes the files. Numbers are
 * all different, so that none can stand in for another. Node exporter and this plugin read the same tree.
 */

/** `first`, `first + 1`, … with spaces between. */
const numbers = (first: number, count: number): string => Array.from({ length: count }, (_, i) => first + i).join(" ");

/** Files of a folder that hold one text each. */
function folder(path: string, files: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${path}/${name}`, `${text}\n`]));
}

const BTRFS = "sys/fs/btrfs/0abb23a9-579b-43e6-ad30-227ef47fcb9d";
const BCACHE = "sys/fs/bcache/deaddd54-c735-46d5-868e-f331c5fd7c74";

/** `name type data` as the Solaris porting layer prints its statistics. */
const kstat = (names: readonly string[], first: number): string =>
  `9 1 0x01 ${names.length} 2448 1234 5678\nname                            type data\n` +
  names.map((name, i) => `${name.padEnd(32)}4    ${first + i}\n`).join("");

const MDSTAT = `Personalities : [raid1] [raid6] [raid5] [raid4] [raid0] [linear]
md0 : active raid1 sdb1[1] sda1[0]
      248896 blocks [2/2] [UU]

md1 : active raid5 sde1[3](S) sdd1[2] sdc1[1](F) sdb2[0]
      7813735424 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [U_U]
      [=>...................]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec
      bitmap: 0/30 pages [0KB], 65536KB chunk

md2 : active raid0 sdg1[1] sdf1[0]
      314159265 blocks 64k chunks

md3 : inactive sdh[0](S)
      1953514496 blocks super 1.2

md4 : active raid6 sdi1[0] sdj1[1] sdk1[2] sdl1[3]
      195310144 blocks level 6, 64k chunk, algorithm 2 [4/4] [UUUU]
      \tresync=PENDING

md5 : active raid1 sdm1[0] sdn1[1]
      3886394368 blocks super 1.2 [2/2] [UU]
      [=>...................]  check =  8.5% (332391424/3886394368) finish=301.6min speed=196371K/sec
      bitmap: 5/29 pages [20KB], 65536KB chunk

unused devices: <none>
`;

const PROC: Record<string, string> = {
  "proc/stat":
    "cpu  30 0 30 300 0 0 0 0 0 0\ncpu0 301 5 302 303000 44 7 81 9 11 3\ncpu1 401 6 402 403000 45 8 82 10 12 4\n" +
    "intr 8885917 1 2 3\nctxt 38014093\nbtime 1700000000\nprocesses 26442\nprocs_running 2\nprocs_blocked 1\nsoftirq 5057579 1 2 3 4 5 6 7 8 9 10\n",
  "proc/loadavg": "0.21 0.37 0.39 1/719 19737\n",
  "proc/meminfo":
    "MemTotal:        3742148 kB\nMemFree:          225472 kB\nMemAvailable:     525472 kB\nActive(anon):    2068484 kB\nHugePages_Total:       7\nHugepagesize:       2048 kB\n",
  "proc/uptime": "1234.5 2345.6\n",
  "proc/diskstats":
    `   8       0 sda ${numbers(1001, 17)}\n   8       1 sda1 ${numbers(2001, 17)}\n 259       0 nvme0n1 ${numbers(3001, 17)}\n` +
    ` 253       0 dm-0 ${numbers(4001, 14)}\n   9       0 md0 ${numbers(5001, 11)}\n   7       0 loop0 ${numbers(6001, 17)}\n`,
  "proc/net/dev":
    "Inter-|   Receive                                                |  Transmit\n" +
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
    `    lo: ${numbers(11, 16)}\n  eth0:${numbers(9_000_000_000_000_001, 1)} ${numbers(32, 15)}\n bond0: ${numbers(51, 16)}\n`,
  "proc/net/netstat":
    "TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed ListenOverflows ListenDrops TCPSynRetrans TCPTimeouts Unwanted\n" +
    `TcpExt: ${numbers(71, 8)}\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: ${numbers(81, 3)}\n`,
  "proc/net/snmp":
    `Ip: Forwarding DefaultTTL\nIp: 1 64\nIcmp: InMsgs InErrors OutMsgs\nIcmp: ${numbers(91, 3)}\n` +
    `Tcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts\nTcp: 1 -1 ${numbers(103, 8)}\n` +
    `Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\nUdp: ${numbers(121, 6)}\n`,
  "proc/net/snmp6": "Ip6InReceives 7\nIp6InOctets 460\nIp6OutOctets 536992\nIcmp6InMsgs 3\nIcmp6OutMsgs 8\nUdp6InErrors 4\nUdpLite6InErrors 5\n",
  "proc/net/sockstat":
    "sockets: used 229\nTCP: inuse 4 orphan 6 tw 7 alloc 17 mem 1\nUDP: inuse 8 mem 9\nUDPLITE: inuse 10\nRAW: inuse 11\nFRAG: inuse 12 memory 13\n",
  "proc/net/sockstat6": "TCP6: inuse 17\nUDP6: inuse 9\nUDPLITE6: inuse 3\nRAW6: inuse 1\nFRAG6: inuse 2 memory 4\n",
  "proc/net/softnet_stat":
    "00049279 00000001 00000012 00000000 00000000 00000000 00000000 00000000 00000005 00000006 00000007 00000008 00000000\n" +
    "0000b1c3 00000002 0000000d 00000000 00000000 00000000 00000000 00000000 00000009 0000000a 0000000b 0000000c 00000001\n",
  "proc/net/arp":
    "IP address       HW type     Flags       HW address            Mask     Device\n192.168.1.1      0x1         0x2         cc:aa:dd:ee:aa:bb     *        eth0\n" +
    "192.168.1.2      0x1         0x2         cc:aa:dd:ee:aa:bc     *        eth0\n10.0.0.1         0x1         0x2         cc:aa:dd:ee:aa:bd     *        bond0\n",
  "proc/net/udp":
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
    "    0: 00000000:0016 00000000:0000 0A 00000015:00000003 00:00000000 00000000     0        0 2740 1 ffff88003d3af3c0 0\n",
  "proc/net/udp6":
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
    " 1315: 00000000000000000000000000000000:14EB 00000000000000000000000000000000:0000 07 00000001:00000002 00:00000000 00000000   981        0 21040 2 0000000013726323 0\n",
  "proc/net/stat/nf_conntrack":
    "entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n" +
    "00000021  00000000 00000001 00000002 00000003 00000588 00000000 00000000 00000004 00000005 00000006 00000007 00000000  00000000 00000000 00000000 00000008\n" +
    "00000021  00000000 00000009 00000002 0000000a 000056a4 00000000 00000000 0000000b 0000000c 0000000d 0000000e 00000000  00000000 00000000 00000000 0000000f\n",
  "proc/sys/net/netfilter/nf_conntrack_count": "123\n",
  "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
  "proc/sys/fs/file-nr": "1024\t0\t1631329\n",
  "proc/sys/kernel/random/entropy_avail": "1337\n",
  "proc/sys/kernel/random/poolsize": "4096\n",
  "proc/vmstat": "nr_free_pages 977769\npgpgin 7344136\npgpgout 1541180160\npswpin 1476\npswpout 35045\npgfault 2320168809\npgmajfault 507162\noom_kill 3\n",
  "proc/schedstat":
    "version 15\ntimestamp 15819019232\ncpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163039 343796328169361 4767485306\n" +
    "domain0 00000000,00000003 1 2 3\ncpu1 518377256 0 4155211005 2778589869 10466382 2867629021 1904686152592476 364107263788241 5145567945\n",
  "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=14036781\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
  "proc/pressure/io": "some avg10=0.18 avg60=0.34 avg300=0.10 total=159886802\nfull avg10=0.18 avg60=0.34 avg300=0.10 total=159229614\n",
  "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4\n",
  "proc/pressure/irq": "full avg10=0.00 avg60=0.00 avg300=0.00 total=14000\n",
  "proc/mdstat": MDSTAT,
  "proc/self/mounts": "",
  "proc/1/mounts": "",
  "proc/net/ip_vs":
    "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n" +
    "TCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEA      Tunnel  100    248        2\n  -> C0A85318:0CEA      Tunnel  101    249        3\n" +
    "TCP  [2620:0000:0000:0000:0000:0000:0000:0001]:0050 sh\n  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050      Route   1      7          6\n" +
    "UDP  C0A80037:0CEA wlc\n  -> C0A8321A:0CEA      Tunnel  5      9          8\nFWM  10001000 wlc\n  -> C0A8321B:0CEA      Route   20     64         1\n",
  "proc/net/ip_vs_stats":
    "   Total Incoming Outgoing         Incoming         Outgoing\n   Conns  Packets  Packets            Bytes            Bytes\n" +
    " 16AA370 E33656E5        8     51D8C8883AB3       1F\n\n Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n       4    1FB3C        0          1282A8F                0\n",
  "proc/net/rpc/nfs": `net 70 71 72 73\nrpc 1218785755 374636 1218815394\nproc2 18 ${numbers(101, 18)}\nproc3 22 ${numbers(201, 22)}\nproc4 61 ${numbers(301, 61)}\n`,
  "proc/net/rpc/nfsd":
    "rc 1 6 18622\nfh 2 3 4 5 6\nio 157286400 72864\nth 8 0 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000\n" +
    "ra 32 11 12 13 14 15 16 17 18 19 20 21\nnet 972 55 917 12\nrpc 18628 1 2 3 4\n" +
    `proc2 18 ${numbers(401, 18)}\nproc3 22 ${numbers(501, 22)}\nproc4 2 2 10853\nproc4ops 72 ${numbers(601, 72)}\n`,
  "proc/spl/kstat/zfs/arcstats": kstat(["hits", "misses", "demand_data_hits", "c_min", "size", "l2_hits", "memory_direct_count"], 801),
  "proc/spl/kstat/zfs/abdstats": kstat(["struct_size", "linear_cnt", "scatter_page_multi_chunk"], 811),
  "proc/spl/kstat/zfs/dbufstats": kstat(["cache_count", "hash_hits"], 821),
  "proc/spl/kstat/zfs/dmu_tx": kstat(["dmu_tx_assigned", "dmu_tx_delay"], 831),
  "proc/spl/kstat/zfs/dnodestats": kstat(["dnode_hold_dbuf_hold", "dnode_allocate"], 841),
  "proc/spl/kstat/zfs/fm": kstat(["erpt-dropped", "fmri-set-failed"], 851),
  "proc/spl/kstat/zfs/vdev_cache_stats": kstat(["delegations", "hits"], 861),
  "proc/spl/kstat/zfs/vdev_mirror_stats": kstat(["rotating_linear", "preferred_found"], 871),
  "proc/spl/kstat/zfs/xuio_stats": kstat(["onloan_read_buf", "write_buf_copied"], 881),
  "proc/spl/kstat/zfs/zfetchstats": kstat(["hits", "max_streams"], 891),
  "proc/spl/kstat/zfs/zil": kstat(["zil_commit_count", "zil_itx_metaslab_slog_bytes"], 901),
  "proc/spl/kstat/zfs/tank/io":
    "12 3 0x00 1 80 79205351707403 395818011156865\nnread    nwritten reads    writes   wtime    wlentime wupdate  rtime    rlentime rupdate  wcnt     rcnt\n" +
    `${numbers(1884160, 12)}\n`,
  "proc/spl/kstat/zfs/tank/state": "ONLINE\n",
  "proc/spl/kstat/zfs/pool2/state": "SUSPENDED\n",
  "proc/spl/kstat/zfs/tank/objset-0x36":
    `23 1 0x01 7 2160 221578688875 6665999035587\nname                            type data\ndataset_name                    7    tank\n` +
    "writes                          4    17\nnwritten                        4    18\nreads                           4    19\nnread                           4    20\n",
};

const eth = (address: string, first: number) => ({
  addr_assign_type: 3,
  address,
  addr_len: 6,
  broadcast: "ff:ff:ff:ff:ff:ff",
  carrier: 1,
  carrier_changes: first + 1,
  carrier_up_count: first + 2,
  carrier_down_count: first + 3,
  dev_id: "0x20",
  dormant: 1,
  duplex: "full",
  flags: "0x1303",
  ifalias: "uplink",
  ifindex: first,
  iflink: first,
  link_mode: 1,
  mtu: 1500,
  name_assign_type: 2,
  netdev_group: 0,
  operstate: "up",
  phys_port_id: "",
  phys_port_name: "",
  phys_switch_id: "",
  speed: 1000,
  tx_queue_len: 1000,
  type: 1,
  "statistics/rx_nohandler": first + 4,
});

const SYS: Record<string, string> = {
  ...folder("sys/class/net/eth0", eth("01:01:01:01:01:01", 20)),
  ...folder("sys/class/net/eth1", { ...eth("01:01:01:01:01:02", 30), operstate: "down", "bonding_slave/mii_status": "down" }),
  ...folder("sys/class/net/bond0", {
    ...eth("01:01:01:01:01:03", 40),
    "bonding/slaves": "eth0 eth1",
    "bonding/mii_status": "up",
    "lower_eth0/bonding_slave/mii_status": "up",
    "lower_eth0/operstate": "up",
    "lower_eth1/bonding_slave/mii_status": "down",
    "lower_eth1/operstate": "down",
  }),
  "sys/class/net/bonding_masters": "bond0 \n",
  ...folder("sys/class/thermal/thermal_zone0", { type: "acpitz", temp: 49925, policy: "step_wise", mode: "enabled", passive: 0 }),
  ...folder("sys/class/thermal/thermal_zone1", { type: "x86_pkg_temp", temp: -4400, policy: "step_wise" }),
  ...folder("sys/class/thermal/cooling_device0", { type: "Processor", cur_state: 1, max_state: 50 }),
  ...folder("sys/devices/platform/coretemp.0/hwmon/hwmon0", {
    name: "coretemp",
    temp1_input: 55000,
    temp1_max: 84000,
    temp1_crit: 100000,
    temp1_crit_alarm: 0,
    temp1_label: "Physical id 0",
    temp2_input: 54500,
    temp2_label: "Core 0",
    uevent: "",
  }),
  ...folder("sys/devices/platform/nct6775.656/hwmon/hwmon1", {
    name: "nct6779",
    beep_enable: 0,
    update_interval: 1500,
    fan2_alarm: 0,
    fan2_beep: 0,
    fan2_input: 1098,
    fan2_min: 100,
    fan2_target: 27000,
    fan2_label: "cpu fan",
    fan2_pulses: 2,
    in0_alarm: 0,
    in0_input: 792,
    in0_max: 1744,
    intrusion0_alarm: 1,
    pwm1: 98,
    pwm1_enable: 5,
    pwm1_auto_point1_pwm: 153,
    curr1_input: 1234,
    power1_average: 4500000,
    power1_average_interval: 1500,
    power1_accuracy: 1000000,
    energy1_input: 2345678,
    humidity1_input: 45678,
    freq1_input: 1234000000,
    freq1_label: "sclk",
    temp1_type: 4,
    temp1_input: 31000,
    vrm: 112,
  }),
  ...folder("sys/class/power_supply/BAT0", {
    type: "Battery",
    present: 1,
    status: "Discharging",
    technology: "Li-ion",
    capacity: 81,
    capacity_level: "Normal",
    cycle_count: 12,
    energy_full: 45070000,
    energy_full_design: 47520000,
    energy_now: 36580000,
    power_now: 5002000,
    voltage_now: 12229000,
    voltage_min_design: 10800000,
    manufacturer: "LGC",
    model_name: "LNV-45N1",
    serial_number: "38109",
    temp: 298,
    uevent: "",
  }),
  ...folder("sys/class/power_supply/AC", { type: "Mains", online: 0, uevent: "" }),
  ...folder("sys/devices/system/edac/mc/mc0", {
    ce_count: 1,
    ce_noinfo_count: 2,
    ue_count: 5,
    ue_noinfo_count: 6,
    "csrow0/ce_count": 3,
    "csrow0/ue_count": 4,
    "csrow1/ce_count": 7,
    "csrow1/ue_count": 8,
  }),
  ...folder("sys/class/nvme/nvme0", {
    firmware_rev: "1B2QEXP7",
    model: "Samsung SSD 970 PRO 512GB",
    serial: "S680HF8N190894I",
    state: "live",
    cntlid: "1997",
  }),
  ...folder(BTRFS, {
    label: "fixture",
    "allocation/global_rsv_reserved": 16777216,
    "allocation/global_rsv_size": 16777217,
    "features/mixed_groups": 1,
    metadata_uuid: "0abb23a9-579b-43e6-ad30-227ef47fcb9d",
    nodesize: 16384,
    quota_override: 0,
    sectorsize: 4096,
    clone_alignment: 4096,
    commit_stats: "commits 258051\nlast_commit_ms 1000\nmax_commit_ms 51462\ntotal_commit_ms 47836090",
    "devices/loop22/size": 20971520,
    "devices/loop23/size": 20971521,
    "devices/loop24/size": 20971522,
  }),
  ...Object.assign(
    {},
    ...(
      [
        ["data", "raid5"],
        ["metadata", "raid1"],
        ["system", "single"],
      ] as const
    ).map(([kind, mode], i) =>
      folder(`${BTRFS}/allocation/${kind}`, {
        bytes_may_use: 10 * i,
        bytes_pinned: 0,
        bytes_readonly: 0,
        bytes_reserved: 100 * i + 1,
        bytes_used: 100 * i + 2,
        disk_total: 100 * i + 3,
        disk_used: 100 * i + 4,
        flags: 1,
        total_bytes: 100 * i + 5,
        [`${mode}/total_bytes`]: 2147483648 + i,
        [`${mode}/used_bytes`]: 808189952 + i,
      }),
    ),
  ),
  "sys/fs/xfs/sda1/stats/stats":
    `extent_alloc ${numbers(11, 4)}\nabt ${numbers(21, 4)}\nblk_map ${numbers(31, 7)}\nbmbt ${numbers(41, 4)}\ndir ${numbers(51, 4)}\n` +
    `trans ${numbers(61, 3)}\nig ${numbers(71, 7)}\nlog ${numbers(81, 5)}\npush_ail ${numbers(91, 10)}\nxstrat ${numbers(111, 2)}\nrw ${numbers(121, 2)}\n` +
    `attr ${numbers(131, 4)}\nicluster ${numbers(141, 3)}\nvnodes ${numbers(151, 8)}\nbuf ${numbers(161, 9)}\nabtb2 ${numbers(171, 15)}\nabtc2 ${numbers(191, 15)}\n` +
    `bmbt2 ${numbers(211, 15)}\nibt2 ${numbers(231, 15)}\nfibt2 ${numbers(251, 15)}\nqm ${numbers(271, 8)}\nxpc ${numbers(281, 3)}\ndebug 0\n`,
  ...folder("sys/class/infiniband/mlx5_0", {
    board_id: "SM_1141000001000",
    fw_ver: "2.31.5050",
    hca_type: "MT4099",
    "ports/1/phys_state": "5: LinkUp",
    "ports/1/rate": "40 Gb/sec (4X QDR)",
    "ports/1/state": "4: ACTIVE",
    "ports/1/counters/excessive_buffer_overrun_errors": 0,
    "ports/1/counters/link_downed": 1,
    "ports/1/counters/link_error_recovery": 2,
    "ports/1/counters/multicast_rcv_packets": 93,
    "ports/1/counters/multicast_xmit_packets": 16,
    "ports/1/counters/port_rcv_constraint_errors": 3,
    "ports/1/counters/port_rcv_data": 4631917,
    "ports/1/counters/port_rcv_errors": 4,
    "ports/1/counters/port_rcv_packets": 6825908347,
    "ports/1/counters/port_xmit_constraint_errors": 5,
    "ports/1/counters/port_xmit_data": 3733440,
    "ports/1/counters/port_xmit_discards": 6,
    "ports/1/counters/port_xmit_packets": 6235865,
    "ports/1/counters/port_xmit_wait": 4294967295,
    "ports/1/counters/unicast_rcv_packets": 61148,
    "ports/1/counters/unicast_xmit_packets": 61239,
    "ports/2/phys_state": "2: Polling",
    "ports/2/rate": "2.5 Gb/sec (1X SDR)",
    "ports/2/state": "1: DOWN",
    "ports/2/counters/link_downed": "N/A (no PMA)",
    "ports/2/counters/port_rcv_data": 7,
    "ports/2/counters_ext/port_multicast_rcv_packets": 81,
    "ports/2/counters_ext/port_multicast_xmit_packets": 82,
    "ports/2/counters_ext/port_rcv_data_64": 83,
    "ports/2/counters_ext/port_rcv_packets_64": 84,
    "ports/2/counters_ext/port_unicast_rcv_packets": 85,
    "ports/2/counters_ext/port_unicast_xmit_packets": 86,
    "ports/2/counters_ext/port_xmit_data_64": 87,
    "ports/2/counters_ext/port_xmit_packets_64": 88,
  }),
  ...folder("sys/class/powercap/intel-rapl:0", { name: "package-0", energy_uj: 240422366267, max_energy_range_uj: 262143328850, enabled: 1 }),
  ...folder("sys/class/powercap/intel-rapl:0:0", { name: "core", energy_uj: 118821284256, max_energy_range_uj: 262143328850, enabled: 1 }),
  ...folder("sys/class/powercap/intel-rapl:1", { name: "package-1", energy_uj: 5, max_energy_range_uj: 262143328850, enabled: 1 }),
  ...folder("sys/class/dmi/id", {
    bios_date: "04/12/2021",
    bios_release: 2.2,
    bios_vendor: "Dell Inc.",
    bios_version: "2.2.4",
    board_name: "07PXPY",
    board_serial: ".7N62AI2.GRTCL6944100GP.",
    board_vendor: "Dell Inc.",
    board_version: "A01",
    chassis_asset_tag: "",
    chassis_serial: "7N62AI2",
    chassis_type: 23,
    chassis_vendor: "Dell Inc.",
    chassis_version: "",
    product_family: "PowerEdge",
    product_name: "PowerEdge R6515",
    product_serial: "7N62AI2",
    product_sku: "SKU=NotProvided;ModelName=PowerEdge R6515",
    product_uuid: "83340ca8-cb49-4474-8c29-d2088ca84dd9",
    product_version: "",
    sys_vendor: "Dell Inc.",
    modalias: "dmi",
    uevent: "",
  }),
  ...folder("sys/class/scsi_tape/st0/stats", {
    in_flight: 1,
    io_ns: 9247011087720,
    other_cnt: 1409,
    read_byte_cnt: 979383912,
    read_cnt: 3741,
    read_ns: 33788355744,
    resid_cnt: 19,
    write_byte_cnt: 1496246784000,
    write_cnt: 53772916,
    write_ns: 5233597394395,
  }),
  ...folder("sys/class/fc_host/host0", {
    dev_loss_tmo: 30,
    fabric_name: "0x0",
    node_name: "0x2000e0071bce95f2",
    port_id: "0x000002",
    port_name: "0x1000e0071bce95f2",
    port_state: "Online",
    port_type: "Point-To-Point (direct nport connection)",
    speed: "16 Gbit",
    supported_classes: "Class 3",
    supported_speeds: "4 Gbit, 8 Gbit, 16 Gbit",
    symbolic_name: "Emulex SN1100E2P FV12.4.270.3",
    "statistics/dumped_frames": "0xffffffffffffffff",
    "statistics/error_frames": "0x0",
    "statistics/fcp_packet_aborts": "0x13",
    "statistics/invalid_crc_count": "0x2",
    "statistics/invalid_tx_word_count": "0x8",
    "statistics/link_failure_count": "0x9",
    "statistics/loss_of_signal_count": "0x11",
    "statistics/loss_of_sync_count": "0x10",
    "statistics/nos_count": "0x12",
    "statistics/rx_frames": "0x3",
    "statistics/rx_words": "0x4",
    "statistics/seconds_since_last_reset": "0x7",
    "statistics/tx_frames": "0x5",
    "statistics/tx_words": "0x6",
  }),
  ...folder("sys/devices/system/cpu/cpu0", {
    "cpufreq/cpuinfo_cur_freq": 1699981,
    "cpufreq/cpuinfo_max_freq": 3700000,
    "cpufreq/cpuinfo_min_freq": 800000,
    "cpufreq/scaling_cur_freq": 1699982,
    "cpufreq/scaling_max_freq": 3700001,
    "cpufreq/scaling_min_freq": 800001,
    "cpufreq/scaling_governor": "powersave",
    "cpufreq/scaling_available_governors": "performance powersave",
    "cpufreq/related_cpus": "0",
    "cpufreq/scaling_driver": "intel_pstate",
    "cpufreq/scaling_setspeed": "<unsupported>",
    "cpufreq/cpuinfo_transition_latency": 0,
    "thermal_throttle/core_throttle_count": 5,
    "thermal_throttle/package_throttle_count": 30,
    "topology/core_id": 0,
    "topology/core_siblings": "ff",
    "topology/core_siblings_list": "0-7",
    "topology/physical_package_id": 0,
    "topology/thread_siblings": "11",
    "topology/thread_siblings_list": "0,4",
  }),
  ...folder("sys/devices/system/cpu/cpu1", {
    "thermal_throttle/core_throttle_count": 6,
    "thermal_throttle/package_throttle_count": 30,
    "topology/core_id": 1,
    "topology/core_siblings": "ff",
    "topology/core_siblings_list": "0-7",
    "topology/physical_package_id": 0,
    "topology/thread_siblings": "11",
    "topology/thread_siblings_list": "0,4",
    online: 1,
  }),
  "sys/devices/system/cpu/online": "0-1\n",
  "sys/devices/system/cpu/isolated": "1\n",
  ...folder("sys/devices/system/clocksource/clocksource0", { available_clocksource: "tsc hpet acpi_pm ", current_clocksource: "tsc" }),
  ...folder(BCACHE, {
    average_key_size: 0,
    btree_cache_size: 0,
    cache_available_percent: 100,
    congested: 3,
    root_usage_percent: 4,
    tree_depth: 5,
    "internal/active_journal_entries": 1,
    "internal/btree_nodes": 6,
    "internal/btree_read_average_duration_us": 1305,
    "internal/cache_read_races": 7,
    "bdev0/dirty_data": "4.0k",
    "bdev0/writeback_rate_debug": "rate:\t\t1.1M/sec\ndirty:\t\t20.4G\ntarget:\t\t20.4G\nproportional:\t427.5k\nintegral:\t790.0k\nchange:\t\t321.5k/sec\nnext io:\t17ms",
    "cache0/io_errors": 8,
    "cache0/metadata_written": "512",
    "cache0/priority_stats": "Unused:\t\t99%\nMetadata:\t5%\nAverage:\t10473\nSectors per Q:\t64\nQuantiles:\t[0 0 20946]",
    "cache0/written": "1.5M",
    ...Object.fromEntries(
      ["five_minute", "hour", "day", "total"].flatMap((period, p) =>
        ["bypassed", "cache_bypass_hits", "cache_bypass_misses", "cache_hit_ratio", "cache_hits", "cache_miss_collisions", "cache_misses", "cache_readaheads"].flatMap(
          (name, i) => [
            [`stats_${period}/${name}`, 100 * p + i],
            [`bdev0/stats_${period}/${name}`, 200 * p + i],
          ],
        ),
      ),
    ),
  }),
};

const ETC: Record<string, string> = {
  "etc/os-release": 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"\nVERSION="13 (trixie)"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
  "run/udev/data/b8:0":
    "S:disk/by-id/wwn-0x5000\nE:ID_ATA=1\nE:ID_MODEL=SAMSUNG_MZ7LM960\nE:ID_PATH=pci-0000:00:1f.2-ata-1\nE:ID_REVISION=GXT5\nE:ID_SERIAL_SHORT=S2X1\n" +
    "E:ID_WWN=0x5000\nE:ID_ATA_WRITE_CACHE=1\nE:ID_ATA_WRITE_CACHE_ENABLED=0\nE:ID_ATA_ROTATION_RATE_RPM=7200\n",
  "run/udev/data/b253:0": "E:DM_NAME=vg-root\nE:DM_UUID=LVM-abc\nE:DM_VG_NAME=vg\nE:DM_LV_NAME=root\nE:ID_FS_TYPE=ext4\nE:ID_FS_UUID=1234\nE:ID_FS_USAGE=filesystem\nE:ID_FS_VERSION=1.0\n",
  "var/lib/prometheus/node-exporter/raid.prom":
    '# HELP raid_controller_temp_celsius Temperature of the controller.\n# TYPE raid_controller_temp_celsius gauge\nraid_controller_temp_celsius{slot="3",note="a \\"b\\""} 41.5\n' +
    "# TYPE raid_patrols_total counter\nraid_patrols_total 17\nuntyped_value -Inf\n",
};

/** Path and text of each file. */
export const HARDWARE: Readonly<Record<string, string>> = { ...PROC, ...SYS, ...ETC };

/** Links as sysfs has them: path and target. */
export const LINKS: readonly (readonly [string, string])[] = [
  ["sys/devices/platform/coretemp.0/hwmon/hwmon0/device", "../../../coretemp.0"],
  ["sys/class/hwmon/hwmon0", "../../devices/platform/coretemp.0/hwmon/hwmon0"],
  ["sys/devices/platform/nct6775.656/hwmon/hwmon1/device", "../../../nct6775.656"],
  ["sys/class/hwmon/hwmon1", "../../devices/platform/nct6775.656/hwmon/hwmon1"],
];
