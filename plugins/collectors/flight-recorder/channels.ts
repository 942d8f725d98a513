/** What is read at high resolution. Each channel is one series and one column of the ring. */
export const CHANNELS = [
  { key: "cpu_busy_ratio", metric: "alluse_recorder_cpu_busy_ratio", labels: {} },
  { key: "cpu_iowait_ratio", metric: "alluse_recorder_cpu_iowait_ratio", labels: {} },
  { key: "cpu_steal_ratio", metric: "alluse_recorder_cpu_steal_ratio", labels: {} },
  { key: "runnable_threads", metric: "alluse_recorder_runnable_threads", labels: {} },
  { key: "memory_available_bytes", metric: "alluse_recorder_memory_available_bytes", labels: {} },
  { key: "pressure_cpu_some", metric: "alluse_recorder_pressure_ratio", labels: { resource: "cpu", share: "some" } },
  { key: "pressure_memory_some", metric: "alluse_recorder_pressure_ratio", labels: { resource: "memory", share: "some" } },
  { key: "pressure_memory_full", metric: "alluse_recorder_pressure_ratio", labels: { resource: "memory", share: "full" } },
  { key: "pressure_io_some", metric: "alluse_recorder_pressure_ratio", labels: { resource: "io", share: "some" } },
  { key: "pressure_io_full", metric: "alluse_recorder_pressure_ratio", labels: { resource: "io", share: "full" } },
  { key: "disk_busy_ratio", metric: "alluse_recorder_disk_busy_ratio", labels: {} },
  { key: "disk_bytes_per_second", metric: "alluse_recorder_disk_bytes_per_second", labels: {} },
  {
    key: "network_received_bytes_per_second",
    metric: "alluse_recorder_network_bytes_per_second",
    labels: { direction: "received" },
  },
  { key: "network_sent_bytes_per_second", metric: "alluse_recorder_network_bytes_per_second", labels: { direction: "sent" } },
] as const;

export type ChannelKey = (typeof CHANNELS)[number]["key"];

export const CHANNEL = Object.fromEntries(CHANNELS.map(({ key }, index) => [key, index])) as Readonly<Record<ChannelKey, number>>;
