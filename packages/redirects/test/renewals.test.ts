import { createResolver, type Link, type StoredLink } from '@lakh/links';
import { L1Cache } from '../src/l1-cache.js';
import { createAnswers } from '../src/redirect-response.js';
import { createRenewals } from '../src/renewals.js';

const S_MS = 5_000;
const READ_MS = 30;

const link: Link = {
  ...{ state: 'live', domainId: 0, code: 'hot', kind: 'generated', counter: 100_000, version: 1 },
  ...{ longUrl: 'https://example.org/1', createdAtMs: 0, expiresAtMs: null, redirectStatus: null, terms: null },
};

/** A redirect server over a store that takes a while, on a clock that the test moves. */
class Server {
  nowMs = 0;
  stored: StoredLink = link;
  reads = 0;
  /** For as long the store answers nobody. */
  awayUntilMs = 0;
  waited = 0;
  readonly #due: { readonly atMs: number; readonly run: () => void }[] = [];
  readonly l1: L1Cache;
  readonly #resolve: (code: string) => Promise<StoredLink | undefined>;

  constructor() {
    const clock = { monotonicMs: () => this.nowMs, nowMs: () => this.nowMs };
    this.l1 = new L1Cache({
      ...{ domainId: 0, maxBytes: 1_000_000, clock, answerOf: createAnswers({ status: 301, maxAgeS: 90 }) },
      renew: createRenewals({
        resolve: (code) => this.#resolve(code),
        later: (run) => this.#due.push({ atMs: this.nowMs, run }),
        schedule: () => () => {},
      }),
    });
    const resolver = createResolver({
      store: { sight: () => this.#sight() },
      clock,
      validForMs: S_MS,
      beginRead: (domainId, code) => this.l1.beginRead(domainId, code),
    });
    this.#resolve = (code) => resolver.resolve(0, code);
  }

  /** Where the code leads, if L1 has that. Otherwise whoever asks waits. */
  follow(code: string): string | undefined {
    const hit = this.l1.get(`/${code}`, this.nowMs);
    if (hit) return hit.location;
    if (this.l1.goneBy(`/${code}`, this.nowMs)) return 'gone';
    this.waited += 1;
    this.#resolve(code).catch(() => {});
    return undefined;
  }

  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 1) {
      for (const due of this.#due.splice(0)) {
        if (due.atMs <= this.nowMs) due.run();
        else this.#due.push(due);
      }
      for (let i = 0; i < 12; i += 1) await Promise.resolve();
    }
  }

  #sight() {
    this.reads += 1;
    return new Promise<{ link: StoredLink; position: undefined; lagMs: number }>((resolve) => {
      const atMs = Math.max(this.nowMs + READ_MS, this.awayUntilMs);
      // As it was when it was read.
      const read = this.stored;
      this.#due.push({ atMs, run: () => resolve({ link: read, position: undefined, lagMs: 0 }) });
    });
  }
}

/** Asks every `everyMs`, for `ms`. */
async function load(server: Server, everyMs: number, ms: number, seen?: (location: string) => void): Promise<void> {
  for (const endMs = server.nowMs + ms; server.nowMs < endMs; ) {
    const location = server.follow('hot');
    if (location !== undefined) seen?.(location);
    await server.pass(everyMs);
  }
}

describe('a link that is asked for often', () => {
  test('is looked up ahead of its end: after the first answer nobody waits, in a minute of steady load', async () => {
    const server = new Server();
    await load(server, 10, 100);
    expect(server.waited).toBeGreaterThan(0);
    server.waited = 0;
    await load(server, 10, 60_000);
    expect(server.waited).toBe(0);
    // One caller each time, and no more often than it takes: a life is five seconds, and its last second is for that.
    expect(server.reads).toBeGreaterThanOrEqual(12);
    expect(server.reads).toBeLessThanOrEqual(17);
  });

  test('so is one that was deleted', async () => {
    const server = new Server();
    server.stored = { state: 'deleted', domainId: 0, code: 'hot', version: 2 };
    await load(server, 10, 100);
    server.waited = 0;
    await load(server, 10, 20_000, (seen) => expect(seen).toBe('gone'));
    expect(server.waited).toBe(0);
  });

  test('is served for no longer than before: a change that nobody tells of is seen within the bound', async () => {
    const server = new Server();
    await load(server, 10, 3_000);
    for (let version = 2; version <= 12; version += 1) {
      const longUrl = `https://example.org/${version}`;
      server.stored = { ...link, version, longUrl };
      const changedMs = server.nowMs;
      let lastOldMs = changedMs;
      await load(server, 7, 7_300, (seen) => {
        if (seen !== longUrl) lastOldMs = server.nowMs;
      });
      expect(lastOldMs - changedMs).toBeLessThan(S_MS);
    }
  });

  test('what a change drops is not brought back by a look-up that left before it', async () => {
    const server = new Server();
    await load(server, 10, 4_000);
    const readsBefore = server.reads;
    while (server.reads === readsBefore) await load(server, 1, 1);
    server.stored = { ...link, version: 2, longUrl: 'https://example.org/2' };
    server.l1.changed({ domainId: 0, code: 'hot', version: 2 });
    await server.pass(READ_MS + 5);
    expect(server.l1.knows('/hot', 0)).toBe(false);
  });

  test('where the store does not answer it ends when it has to, and those who ask wait for one read', async () => {
    const server = new Server();
    await load(server, 10, 3_000);
    server.waited = 0;
    server.awayUntilMs = 8_000;
    const readsBefore = server.reads;
    await load(server, 10, 5_500);
    expect(server.waited).toBeGreaterThan(100);
    expect(server.reads - readsBefore).toBeLessThanOrEqual(2);
  });
});

test('a link that is asked for once in a while is not looked up for nobody', async () => {
  const server = new Server();
  await load(server, 4_500, 60_000);
  expect(server.reads).toBe(server.waited);
});

describe('looking up ahead', () => {
  const ended: (() => void)[] = [];
  let timers: (() => void)[] = [];
  const renewals = () =>
    createRenewals({
      resolve: () => new Promise<void>((resolve) => void ended.push(resolve)),
      later: (run) => run(),
      schedule(_afterMs, run) {
        timers.push(run);
        return () => {
          timers = timers.filter((each) => each !== run);
        };
      },
    });
  const takenOf = (renew: (path: string) => boolean, count: number) =>
    Array.from({ length: count }, (_, i) => renew(`/c${i}`)).filter(Boolean).length;

  beforeEach(() => {
    ended.length = 0;
    timers = [];
  });

  test('no more than so many at once; the others have their turn when asked for again', async () => {
    const renew = renewals();
    expect(takenOf(renew, 300)).toBe(256);
    expect(ended).toHaveLength(256);
    for (const end of ended.splice(0, 10)) end();
    await Promise.resolve();
    expect(takenOf(renew, 300)).toBe(10);
  });

  test('those that hang hold their places for a second, and give them back once', async () => {
    const renew = renewals();
    expect(takenOf(renew, 256)).toBe(256);
    expect(takenOf(renew, 1)).toBe(0);
    for (const run of timers.splice(0)) run();
    expect(takenOf(renew, 300)).toBe(256);
    // The store answers the first ones after all: theirs are given back already.
    for (const end of ended.splice(0, 256)) end();
    await Promise.resolve();
    expect(takenOf(renew, 300)).toBe(0);
  });

  test('no timer is left of one that ended', async () => {
    const renew = renewals();
    takenOf(renew, 20);
    for (const end of ended.splice(0)) end();
    await Promise.resolve();
    expect(timers).toEqual([]);
  });
});
