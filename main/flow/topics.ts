import type { Disposable, Topics } from "all-use-agent/sdk";

/** Typed publish and subscribe between rooms and plugins. Delivery is synchronous; a listener must be quick and not throw. */
export class TopicBoard {
  private readonly listeners = new Map<keyof Topics, Set<(event: never) => void>>();

  on<T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void): Disposable {
    const set = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, set);
    set.add(listener);
    return { dispose: () => void set.delete(listener) };
  }

  deliver<T extends keyof Topics>(topic: T, event: Topics[T]): void {
    for (const listener of this.listeners.get(topic) ?? []) (listener as (event: Topics[T]) => void)(event);
  }
}
