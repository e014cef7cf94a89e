/** One thing that an attacker tries. */
export interface Attack {
  readonly what: string;
  /** What the attacker got by it; undefined: nothing. A rejection counts as something. */
  readonly run: () => Promise<string | undefined>;
}

/** Attacks of one kind. The later ones are made when the others are over, to look for what those left behind. */
export interface Attacks {
  readonly attacks: readonly Attack[];
  readonly later?: readonly Attack[];
  /** How many at once. */
  readonly atOnce?: number;
}

interface Count {
  readonly name: string;
  tried: number;
  repelled: number;
  tookMs: number;
}

/** Makes attacks, class by class, and counts them. */
export class Tally {
  readonly #counts: Count[] = [];

  /** @returns a line for each attack that got something */
  async make(name: string, { attacks, later = [], atOnce = 32 }: Attacks): Promise<string[]> {
    const count: Count = { name, tried: 0, repelled: 0, tookMs: 0 };
    this.#counts.push(count);
    const startedMs = performance.now();
    const got: string[] = [];
    for (const stage of [attacks, later]) {
      const left = stage.values();
      const attacker = async (): Promise<void> => {
        for (const { what, run } of left) {
          count.tried += 1;
          const gain = await run().catch((error: unknown) => `an error: ${error}`);
          if (gain === undefined) count.repelled += 1;
          else got.push(`${what}: ${gain}`);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, attacker));
    }
    count.tookMs = performance.now() - startedMs;
    return got;
  }

  table(): string {
    const all = this.#counts.reduce(
      (sum, { tried, repelled, tookMs }) => ({
        name: 'all',
        tried: sum.tried + tried,
        repelled: sum.repelled + repelled,
        tookMs: sum.tookMs + tookMs,
      }),
      { name: 'all', tried: 0, repelled: 0, tookMs: 0 },
    );
    const width = Math.max(...this.#counts.map(({ name }) => name.length));
    const line = (name: string, ...cells: readonly string[]) =>
      `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(10)).join('')}`;
    return [
      line('attacks', 'tried', 'repelled', 's'),
      ...[...this.#counts, all].map(({ name, tried, repelled, tookMs }) =>
        line(name, String(tried), String(repelled), (tookMs / 1000).toFixed(1)),
      ),
    ].join('\n');
  }
}
