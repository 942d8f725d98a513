/** CPU time this process uses while `task` runs, in milliseconds. Neighbours that take the processor away do not count. */
export function cpuMsOf(task: () => void): number {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
