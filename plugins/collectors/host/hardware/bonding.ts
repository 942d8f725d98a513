import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";

/** Bonded network devices: how many slaves each has and how many of these have a link. */
export class BondingGroup implements Group {
  readonly name = "bonding";
  readonly pace = "slow";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  private readonly masters;

  constructor(facts: Facts) {
    this.facts = facts;
    this.needs = facts.sys("class/net/bonding_masters");
    this.masters = facts.reader.file(this.needs, "whole");
  }

  read(out: Columns): void {
    const { facts } = this;
    for (const master of this.masters.read().all().split(/\s+/)) {
      const folder = facts.sys(`class/net/${master}`);
      const slaves = facts.reader.text(`${folder}/bonding/slaves`);
      if (master === "" || slaves === null) continue;
      const names = slaves.split(/\s+/).filter(Boolean);
      let active = 0;
      for (const slave of names) {
        // Kernels before 3.13 called the link `slave_eth0`.
        const state =
          facts.reader.text(`${folder}/lower_${slave}/bonding_slave/mii_status`) ??
          facts.reader.text(`${folder}/slave_${slave}/bonding_slave/mii_status`);
        if (state === "up") active++;
      }
      out.push(facts.series("node_bonding_slaves", { master }), names.length);
      out.push(facts.series("node_bonding_active", { master }), active);
    }
  }

  close(): void {
    this.masters.close();
  }
}
