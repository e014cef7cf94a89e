import { createHash, randomBytes } from 'node:crypto';
import {
  createInsertIds,
  createShortener,
  type LinkStore,
  type ReservationStore,
  type Shortener,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  tokenHolder,
} from '@lakh/links';

export interface KeyedCreatesHarness {
  readonly links: LinkStore;
  readonly reservations: ReservationStore;
  dispose(): Promise<void>;
}

/** What happens to a call of a store: before it is carried out, or after. */
const FAULTS = [
  'dies before',
  'dies after',
  'stands still before',
  'stands still after',
  'refused',
  'no answer',
] as const;
type Fault = (typeof FAULTS)[number];

const FAULT_RATE = 0.25;
const ALIAS_RATE = 0.25;
/** Requests with one key at most; the last ones meet no fault. */
const ATTEMPTS = 12;
const FAULTY_ATTEMPTS = 8;
const ACTOR = tokenHolder('ci');
/** Links of a batch by one key. */
const BATCH = 3;

/**
 * Creates with idempotency keys over stores whose processes die, stand still and go on later, and lose answers between any two steps, while
 * strangers claim the codes that were reserved: one link for each key, whatever the schedule. A failure names its seed.
 */
export function describeKeyedCreates(name: string, open: () => Promise<KeyedCreatesHarness>, keys: number): void {
  describe(`creates with idempotency keys: ${name}`, () => {
    let harness: KeyedCreatesHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.dispose());

    test(`one link a key, over ${keys} keys and any fault between two steps`, async () => {
      const seen = new Set<string>();
      const counters = { next: 5_000_000 };
      for (let seed = 1; seed <= keys; seed += 1) {
        const world = new World(harness, counters, seed);
        const codes = new Set<string>();
        await world.useOneKey(async (shortener, { key, urls: [longUrl] }) => {
          codes.add((await shortener.shorten(0, { longUrl }, ACTOR, key)).link.code);
        });
        for (const fault of world.met) seen.add(fault);
        const made = await world.made(0);
        expect({ seed, codes: [...codes], made }).toEqual({ seed, codes: [...codes].slice(0, 1), made: [...codes] });
      }
      expect([...seen].sort()).toEqual([...FAULTS, 'a stranger'].sort());
    }, 60_000);

    test(`one link for each link of a batch, over ${Math.ceil(keys / BATCH)} keys and any fault between two steps`, async () => {
      const counters = { next: 6_000_000 };
      for (let seed = 1; seed <= keys / BATCH; seed += 1) {
        const world = new World(harness, counters, seed);
        const codes = world.urls.map(() => new Set<string>());
        await world.useOneKey((shortener, { key, urls }) => {
          const requests = urls.map((longUrl) => ({ longUrl }));
          return shortener.batch(0, requests, ACTOR, key, async ({ shorten }) => {
            await Promise.allSettled(codes.map(async (of, index) => of.add((await shorten(index)).link.code)));
          });
        });
        for (const [index, of] of codes.entries()) {
          const made = await world.made(index);
          expect({ seed, index, codes: [...of], made }).toEqual({
            seed,
            index,
            codes: [...of].slice(0, 1),
            made: [...of],
          });
          expect(of.size).toBe(1);
        }
      }
    }, 60_000);
  });
}

/** Told when a process will not go on by itself. */
interface Halted {
  died(): void;
  stoodStill(): void;
}

/** One key's requests, each to a process of its own. */
class World {
  readonly met: string[] = [];
  readonly #harness: KeyedCreatesHarness;
  readonly #counters: { next: number };
  readonly #random: () => number;
  /** What is asked for, one link or several. */
  readonly urls: readonly string[];
  readonly #inserted: string[] = [];
  readonly #goOn: (() => void)[] = [];
  #faultRate = FAULT_RATE;

  constructor(harness: KeyedCreatesHarness, counters: { next: number }, seed: number) {
    this.#harness = harness;
    this.#counters = counters;
    this.#random = randomOf(seed);
    const run = randomBytes(4).toString('hex');
    this.urls = Array.from({ length: BATCH }, (_, index) => `https://example.com/keyed/${seed}/${run}/${index}`);
  }

  /** Has `ask` make its request to one process after the other. */
  async useOneKey(
    ask: (shortener: Shortener, asked: { readonly key: string; readonly urls: readonly string[] }) => Promise<void>,
  ): Promise<void> {
    const asked = { key: `key of ${this.urls[0]}`, urls: this.urls };
    const ends: Promise<void>[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (attempt > FAULTY_ATTEMPTS) {
        this.#faultRate = 0;
        // Those that stood still go on, in the middle of what others do.
        for (const goOn of this.#goOn.splice(0)) goOn();
      }
      const halted = { died: () => {}, stoodStill: () => {} };
      const died = new Promise<void>((resolve) => Object.assign(halted, { died: resolve }));
      const stoodStill = new Promise<void>((resolve) => Object.assign(halted, { stoodStill: resolve }));
      const answered = ask(this.#process(halted), asked).catch(() => {});
      const ended = Promise.race([answered, died]);
      ends.push(ended);
      await Promise.race([ended, stoodStill]);
    }
    await Promise.all(ends);
  }

  #process(halted: Halted): Shortener {
    const { links, reservations } = this.#harness;
    const counters = this.#counters;
    return createShortener({
      store: {
        insert: async (link) => {
          if (this.#faultRate > 0 && link.kind === 'generated' && this.#random() < ALIAS_RATE)
            await this.#claim(link.code);
          this.#inserted.push(link.code);
          return this.#call(halted, () => links.insert(link));
        },
        find: (...code) => links.find(...code),
        read: (...code) => links.read(...code),
        sight: (...code) => links.sight(...code),
        edit: (...edit) => links.edit(...edit),
        remove: (...remove) => links.remove(...remove),
        click: (...click) => links.click(...click),
        forgetReceipts: async () => 0,
        deleted: links.deleted,
      },
      codes: {
        nextOrWait: async () => {
          counters.next += 1;
          return { counter: counters.next, code: `K${counters.next.toString(36)}` };
        },
        upcoming: () => [],
        reportBurnt: () => {},
        reportDuplicate: (counter) => {
          throw new Error(`counter ${counter} was used twice`);
        },
      },
      clock: { nowMs: () => 1_790_000_000_000 },
      newInsertId: createInsertIds(randomBytes(8)),
      policy: {},
      idempotency: {
        digest: (text) => createHash('sha256').update(text).digest('hex'),
        reservations: {
          find: (keyHash) => this.#call(halted, () => reservations.find(keyHash)),
          reserve: (...reserve) => this.#call(halted, () => reservations.reserve(...reserve)),
          forget: async () => 0,
        },
      },
    });
  }

  async #call<T>(halted: Halted, work: () => Promise<T>): Promise<T> {
    const fault = this.#random() < this.#faultRate ? FAULTS[Math.floor(this.#random() * FAULTS.length)] : undefined;
    if (fault === undefined) return work();
    this.met.push(fault);
    if (fault === 'refused') throw new StoreUnavailableError('refused');
    if (fault.endsWith('before')) await this.#halt(halted, fault);
    const result = await work();
    if (fault === 'no answer') throw new StoreOutcomeUnknownError('no answer');
    if (fault.endsWith('after')) await this.#halt(halted, fault);
    return result;
  }

  #halt({ died, stoodStill }: Halted, fault: Fault): Promise<void> {
    return new Promise((resolve) => {
      if (fault.startsWith('dies')) return died();
      // Drawn while there were faults, and met when all go on: nobody would come to wake it.
      if (this.#faultRate === 0) return resolve();
      this.#goOn.push(resolve);
      stoodStill();
    });
  }

  /** A stranger's alias on a code that is about to be inserted, unless it is there already. */
  async #claim(code: string): Promise<void> {
    const { outcome } = await this.#harness.links.insert({
      ...{ domainId: 0, code, kind: 'alias', counter: 0, longUrl: 'https://example.com/stranger' },
      ...{ createdAtMs: 1, expiresAtMs: null, redirectStatus: null, terms: null, owner: '', details: null },
      insertId: randomBytes(16).toString('hex').toUpperCase(),
    });
    if (outcome === 'inserted') this.met.push('a stranger');
  }

  /** The codes that lead to the target at `index` in the end. */
  async made(index: number): Promise<string[]> {
    const made: string[] = [];
    for (const code of new Set(this.#inserted)) {
      const link = await this.#harness.links.find(0, code, { fresh: true });
      if (link?.state === 'live' && link.longUrl === this.urls[index]) made.push(code);
    }
    return made;
  }
}

/** A small generator of uniform numbers in [0, 1) (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
