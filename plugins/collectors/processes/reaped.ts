/** What a vanished child used is looked for in its parent's books in the same scan and in so many more. */
const PATIENCE = 1;

interface Account {
  /** Of children that were seen, vanished, and not yet found in what the parent took over. */
  credit: number;
  creditScan: number;
  /** What the parent took over, in the scan before and in this one. */
  pending: number;
  fresh: number;
}

/**
 * When a process has waited for a child, Linux adds what the child used to the parent's own books. Part of that was seen while the
 * child ran and must not count twice; the rest was used by children that came and went between two looks, or after the last one.
 * A rise is matched against children that vanished in the same scan or the next: the child may have been read before the parent
 * was. So what nobody was seen using is told one scan late.
 */
export class Reaped {
  private readonly accounts = new Map<number, Account>();
  /** Of children whose parent vanished too: another process waits for them. */
  private readonly orphans: Account = { credit: 0, creditScan: 0, pending: 0, fresh: 0 };
  private scan = 0;

  /** A child was last seen with so much to its name, its own children's included. `parent` is null when that is gone as well. */
  vanished(parent: number | null, amount: number): void {
    if (amount <= 0) return;
    const account = parent === null ? this.orphans : this.account(parent);
    account.credit += amount;
    account.creditScan = this.scan;
  }

  /** Whether a vanished child's use is still to be found in this process's books. */
  expects(pid: number): boolean {
    return (this.accounts.get(pid)?.credit ?? 0) > 0;
  }

  /** A process's books rose by so much that is its children's. */
  rose(pid: number, amount: number): void {
    if (amount > 0) this.account(pid).fresh += amount;
  }

  /** Ends a scan: `unseen` is told what is nobody's who was seen. */
  settle(unseen: (pid: number, amount: number) => void): void {
    for (const [pid, account] of this.accounts) {
      for (const source of [account, this.orphans]) draw(account, source);
      if (account.pending > 0) unseen(pid, account.pending);
      account.pending = account.fresh;
      account.fresh = 0;
      this.age(account);
      if (account.credit === 0 && account.pending === 0) this.accounts.delete(pid);
    }
    this.age(this.orphans);
    this.scan++;
  }

  private age(account: Account): void {
    if (this.scan - account.creditScan >= PATIENCE) account.credit = 0;
  }

  private account(pid: number): Account {
    let account = this.accounts.get(pid);
    if (!account) this.accounts.set(pid, (account = { credit: 0, creditScan: this.scan, pending: 0, fresh: 0 }));
    return account;
  }
}

/** Takes the credit of one from the rises of the other, the older first. */
function draw(account: Account, source: Account): void {
  const old = Math.min(account.pending, source.credit);
  account.pending -= old;
  source.credit -= old;
  const fresh = Math.min(account.fresh, source.credit);
  account.fresh -= fresh;
  source.credit -= fresh;
}
