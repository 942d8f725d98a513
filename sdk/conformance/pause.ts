const LOOK_MS = 100;

/** What the task gives, or null after `ms`, counted in looks: where the whole process was held up, its plugin is not to blame. */
export async function within<T>(ms: number, task: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let looks = Math.ceil(ms / LOOK_MS);
  const late = new Promise<null>((resolve) => {
    timer = setInterval(() => {
      if (--looks <= 0) resolve(null);
    }, LOOK_MS);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearInterval(timer);
  }
}
