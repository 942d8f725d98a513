/** What the task gives, or null when it takes longer. */
export async function within<T>(ms: number, task: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ms)));
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}
