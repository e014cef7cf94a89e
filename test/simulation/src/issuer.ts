/** What makes links in one process: the real use case over its issuing, and what really came of it. */
import {
  anonymous,
  type CodeSource,
  createInsertIds,
  createShortener,
  type LinkStore,
  type Shortener,
} from '@lakh/links';
import { base62 } from '@lakh/short-code';
import { NAMESPACE } from './cluster.js';
import { simulatedLinkStore } from './link-store.js';
import type { SimulatedProcess } from './process.js';
import type { World } from './world.js';

export const codec = base62();
const ANYONE = anonymous(['create']);

export class Issuer {
  readonly #world: World;
  readonly #process: SimulatedProcess;
  readonly #codes: CodeSource;
  readonly #shortener: Shortener;
  #metDuplicate: number | undefined;

  constructor(world: World, process: SimulatedProcess, codes: CodeSource) {
    this.#world = world;
    this.#process = process;
    this.#codes = {
      ...codes,
      nextOrWait: async () => {
        const next = await codes.nextOrWait();
        this.#took(next.counter);
        return next;
      },
    };
    this.#shortener = createShortener({
      store: this.#watchedLinks(simulatedLinkStore({ ...world, process })),
      codes: this.#codes,
      clock: { nowMs: () => process.clock.wallMs() },
      // The simulated database does not keep them: no server here repeats an insert.
      newInsertId: createInsertIds(new Uint8Array(8)),
      policy: {},
    });
  }

  take(count: number): void {
    for (let i = 0; i < count; i += 1) void this.#codes.nextOrWait();
  }

  wait(): void {
    const { coverage } = this.#world.network;
    this.#codes.nextOrWait().then(
      () => coverage.add('waited for a counter'),
      (error: { code: string }) => coverage.add(`waited in vain: ${error.code}`),
    );
  }

  /** Without an alias, from the next counter. */
  shorten(alias?: number): void {
    const { network, safety } = this.#world;
    const request = { longUrl: 'https://example.com/', ...(alias === undefined ? {} : { alias: codec.encode(alias) }) };
    this.#shortener.shorten(0, request, ANYONE).then(
      ({ link, created }) => {
        network.coverage.add(`link ${link.kind}`);
        if (created) safety.linked(this.#process.name, link);
      },
      (error: { code: string }) => network.coverage.add(`no link: ${error.code}`),
    );
  }

  /** For a mutant: whether it may or not. */
  issue({ start, end }: { readonly start: number; readonly end: number }): void {
    for (let counter = start; counter < end; counter += 1) this.#took(counter);
  }

  #took(counter: number): void {
    const { database, safety } = this.#world;
    const { name } = this.#process;
    if (this.#metDuplicate !== undefined) {
      const met = `its counter ${this.#metDuplicate} had met another generated link`;
      safety.report('issued on', `${name} issued counter ${counter} after ${met}`);
    }
    safety.issued(name, counter, database.tables.leasesOf(NAMESPACE));
  }

  /** Knows what an insert really met, whatever the server is told. */
  #watchedLinks(inner: LinkStore): LinkStore {
    const watched: LinkStore = {
      ...inner,
      insert: async (link) => {
        const met = await inner.insert(link);
        if (met.outcome === 'duplicate') {
          this.#metDuplicate = link.counter;
          this.#world.network.coverage.add('the last line of defence');
        }
        return met;
      },
    };
    return this.#world.sabotage.links?.(watched) ?? watched;
  }
}
