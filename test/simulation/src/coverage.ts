import { columns } from '@lakh/base';

/** How often each thing happened, over all schedules: a fault that never happened was not tested. */
export class Coverage {
  readonly counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }

  addAll(counts: Iterable<readonly [what: string, count: number]>): void {
    for (const [what, count] of counts) this.add(what, count);
  }

  toString(): string {
    const sorted = [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return columns(sorted.map(([what, count]) => [what, String(count)])).join('\n');
  }
}
