import { seededRandom } from "../testing.ts";
import type { Kit } from "./kit.ts";
import { demand } from "./trial.ts";

export async function snapshotRoundTrip(kit: Kit): Promise<void> {
  const kept = await snapshotAfter(kit, 30);
  if (kept === null) return;
  await kit.with(
    async ({ plugin, ctx }) => {
      demand(typeof plugin.restore === "function", "a plugin with snapshot() needs restore()");
      // At the very time: a snapshot may say when it was made.
      ctx.clock.advance(kept.atMs - ctx.clock.now());
      plugin.restore(kept.bytes.slice());
      const again = await plugin.snapshot!();
      demand(Buffer.compare(kept.bytes, again) === 0, "snapshot() after restore() must give the bytes that were restored");
    },
    { start: false },
  );
}

export async function garbageSnapshot(kit: Kit): Promise<void> {
  const kept = (await snapshotAfter(kit, 10))?.bytes ?? new Uint8Array();
  const random = seededRandom(kit.seed);
  const noise = Uint8Array.from({ length: 1000 }, () => Math.floor(random() * 256));
  const flipped = kept.map((byte, i) => (i % 7 === 3 ? byte ^ 0xff : byte));
  for (const garbage of [
    new Uint8Array(),
    noise,
    kept.slice(0, kept.length >> 1),
    flipped,
    Buffer.from("null"),
    Buffer.from("[{}]"),
  ]) {
    await kit.with(
      async (trial, driver) => {
        if (!trial.plugin.restore) return;
        try {
          trial.plugin.restore(Uint8Array.from(garbage));
        } catch {
          // The right answer: the host logs it, and the plugin starts empty.
        }
        await trial.start();
        await kit.ticks(driver, 5);
        trial.demandFaultless();
      },
      { start: false },
    );
  }
}

async function snapshotAfter(kit: Kit, ticks: number): Promise<{ bytes: Uint8Array; atMs: number } | null> {
  let kept: { bytes: Uint8Array; atMs: number } | null = null;
  await kit.with(async ({ plugin, ctx }, driver) => {
    await kit.ticks(driver, ticks);
    if (plugin.snapshot) kept = { bytes: Uint8Array.from(await plugin.snapshot()), atMs: ctx.clock.now() };
  });
  return kept;
}
