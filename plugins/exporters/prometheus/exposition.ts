import type { SeriesInfo } from "all-use-agent/sdk";
import type { Format } from "./accept.ts";
import { CompoundFamily, partOf } from "./compound-family.ts";
import { type Family, type Place, PlainFamily } from "./family.ts";

/** Texts kept between scrapes, some 150 bytes each. Beyond it they are all forgotten and made anew. */
const CACHED_SERIES_MAX = 50_000;

/** The page of all newest values. `begin`, `add` each series, `write`; texts that do not change are kept. */
export class Exposition {
  private readonly families = new Map<string, Family>();
  private sorted: Family[] | null = null;
  private readonly places = new Map<SeriesInfo, Place>();

  begin(): void {
    if (this.places.size > CACHED_SERIES_MAX) {
      this.places.clear();
      this.families.clear();
      this.sorted = null;
    }
    for (const family of this.families.values()) family.begin();
  }

  /**
   * A NaN says that the series ended, except in a summary, where it says that nothing was observed. Events are left out: their newest
   * one would be told again at every scrape; what they come to is in their `_total`.
   */
  add(info: SeriesInfo, value: number): void {
    if (info.type === "event" || (Number.isNaN(value) && info.type !== "summary")) return;
    let place = this.places.get(info);
    if (place === undefined) this.places.set(info, (place = this.placeOf(info)));
    place.give(value);
  }

  write(format: Format): string {
    if (!this.sorted) {
      this.sorted = [...this.families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const family of this.sorted) family.forgetHeads();
    }
    let text = "";
    for (const family of this.sorted) if (family.used) text += family.write(format, this.families);
    return format === "openmetrics" ? `${text}# EOF\n` : text;
  }

  private placeOf(info: SeriesInfo): Place {
    const { type } = info;
    const part = type === "histogram" || type === "summary" ? partOf(info) : null;
    if (part !== null && (type === "histogram" || type === "summary")) {
      const family = this.family(part.family, () => new CompoundFamily(part.family, info, type));
      if (family instanceof CompoundFamily && family.type === type) return family.place(info, part);
    }
    const family = this.family(info.name, () => new PlainFamily(info));
    // A name that is a histogram's has no series beside its parts: nothing could tell them apart.
    return family instanceof PlainFamily ? family.place(info) : { give: () => {} };
  }

  private family(name: string, make: () => Family): Family {
    let family = this.families.get(name);
    if (!family) {
      this.families.set(name, (family = make()));
      this.sorted = null;
    }
    return family;
  }
}
