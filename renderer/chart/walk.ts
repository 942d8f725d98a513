import type { ChartModel } from "./model.ts";

/** Keys in a focused chart: arrows walk its points and choose its lines. False for a key that means nothing here. */
export function walk(event: KeyboardEvent, model: ChartModel, cursor: { value: number | null }): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const stride = event.shiftKey ? 10 : 1;
  switch (event.key) {
    case "ArrowLeft":
      cursor.value = model.step(cursor.value, -stride);
      break;
    case "ArrowRight":
      cursor.value = model.step(cursor.value, stride);
      break;
    case "Home":
      cursor.value = model.step(model.columns.lastMs, -model.columns.length);
      break;
    case "End":
      cursor.value = model.columns.lastMs;
      break;
    case "ArrowUp":
    case "ArrowDown":
      if (model.columns.columns.length < 2) return false;
      choose(model, event.key === "ArrowDown" ? 1 : -1);
      break;
    case "Escape":
      if (cursor.value === null && model.chosen.value < 0) return false;
      cursor.value = null;
      model.chosen.value = -1;
      break;
    default:
      return false;
  }
  model.read(cursor.value);
  return true;
}

/** The next line of those drawn, by way of "all". */
function choose(model: ChartModel, by: number): void {
  const order = [-1, ...model.shown()];
  const here = Math.max(0, order.indexOf(model.chosen.value));
  model.chosen.value = order[(here + by + order.length) % order.length];
}
