import { createHash, randomBytes } from 'node:crypto';
import { ForbiddenError } from '@lakh/base';
import { base62 } from '@lakh/short-code';
import { MemoryLinkStore, MemoryReservationStore } from '@lakh/testkit';
import {
  AliasTakenError,
  anonymous,
  type BurntReason,
  type CodeSource,
  createInsertIds,
  createShortener,
  DuplicateCounterError,
  InvalidLinkError,
  isReservedWord,
  LinkGoneError,
  OwnHosts,
  type ShortenPolicy,
  type ShortenRequest,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  TooManyBurntCountersError,
  tokenHolder,
} from '../src/index.js';

const NOW_MS = Date.UTC(2026, 8, 30);
const URL_A = 'https://example.com/a';
const MAX_BURNT = 5;
const DOMAIN_ID = 7;
const ANYONE = anonymous(['create']);

/** Counters in a row from `first`, through the real base62. */
class CountingCodes implements CodeSource {
  readonly burnt: number[] = [];
  readonly reasons = new Set<BurntReason>();
  readonly duplicates: number[] = [];
  #next: number;
  readonly #end: number;

  /** Those from `end` on are not held yet. */
  constructor(first: number, end = 0) {
    this.#next = first;
    this.#end = end;
  }

  *upcoming() {
    for (let counter = this.#next; counter < this.#end; counter += 1) yield { counter, code: codeOf(counter) };
  }

  async nextOrWait() {
    const counter = this.#next++;
    return { counter, code: codeOf(counter) };
  }
  reportDuplicate = (counter: number) => this.duplicates.push(counter);
  reportBurnt = (counter: number, why: BurntReason) => {
    this.burnt.push(counter);
    this.reasons.add(why);
  };
}

function shortenerOn(
  store: MemoryLinkStore,
  codes: CodeSource,
  policy: ShortenPolicy = {},
  newInsertId = createInsertIds(randomBytes(8)),
) {
  const shortener = createShortener({ store, codes, clock: { nowMs: () => NOW_MS }, newInsertId, policy });
  return {
    shorten: (request: ShortenRequest, actor = ANYONE) => shortener.shorten(DOMAIN_ID, request, actor),
    check: (request: ShortenRequest) => shortener.check(DOMAIN_ID, request),
  };
}

function setUp(first = 100_000) {
  const store = new MemoryLinkStore();
  const codes = new CountingCodes(first);
  const shortener = shortenerOn(store, codes, {
    ownHosts: new OwnHosts(['https://lakh.example']),
    maxBurntCounters: MAX_BURNT,
  });
  return { store, codes, shortener };
}

const codec = base62();
const codeOf = (counter: number) => codec.encode(counter);
const counters = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

describe('shortening with a generated code', () => {
  test('takes the next counter, inserts without a look-up, and answers what is stored', async () => {
    const { store, shortener } = setUp();
    const { link, created } = await shortener.shorten({
      longUrl: ' HTTPS://Example.com/ä ',
      expiresAt: '2027-01-01T00:00:00Z',
    });
    expect(created).toBe(true);
    expect(link).toEqual({
      state: 'live',
      domainId: DOMAIN_ID,
      code: 'Q0u',
      kind: 'generated',
      counter: 100_000,
      longUrl: 'https://example.com/%C3%A4',
      createdAtMs: NOW_MS,
      expiresAtMs: Date.UTC(2027, 0, 1),
      redirectStatus: null,
      terms: null,
      owner: '',
      details: null,
      version: 1,
    });
    expect(store.calls).toEqual([{ call: 'insert', code: 'Q0u' }]);
    expect(await store.read(DOMAIN_ID, 'Q0u')).toEqual(link);
  });

  test('without an expiry, undefined or null, never expires', async () => {
    const { shortener } = setUp();
    for (const request of [{ longUrl: URL_A }, { longUrl: URL_A, expiresAt: null }]) {
      expect((await shortener.shorten(request)).link.expiresAtMs).toBeNull();
    }
  });

  test('the same URL twice has two links', async () => {
    const { shortener } = setUp();
    const links = await Promise.all([shortener.shorten({ longUrl: URL_A }), shortener.shorten({ longUrl: URL_A })]);
    expect(links.map(({ link }) => link.code)).toEqual(['Q0u', 'Q0v']);
  });

  test('burns the counter whose code is `api`, and says so', async () => {
    const { store, codes, shortener } = setUp(141_590);
    const { link } = await shortener.shorten({ longUrl: URL_A });
    expect(link).toMatchObject({ counter: 141_591, code: 'apj' });
    expect(codes.burnt).toEqual([141_590]);
    expect(await store.find(DOMAIN_ID, 'api')).toBeUndefined();
  });

  test('burns reserved words in other cases too', async () => {
    const counter = base62().decode('WwW') as number;
    const { codes, shortener } = setUp(counter);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(counter + 1);
    expect(codes.burnt).toEqual([counter]);
  });

  test('burns counters that meet aliases and deleted links', async () => {
    const { store, codes, shortener } = setUp();
    for (const counter of [100_000, 100_001]) await shortener.shorten({ longUrl: URL_A, alias: codeOf(counter) });
    await store.remove(DOMAIN_ID, codeOf(100_001));
    const { link } = await shortener.shorten({ longUrl: URL_A });
    expect(link).toMatchObject({ kind: 'generated', counter: 100_002, code: codeOf(100_002) });
    expect(codes.burnt).toEqual([100_000, 100_001]);
  });

  test('an alias that is claimed between two creates costs the loser of the race one counter', async () => {
    const { store, codes, shortener } = setUp();
    const [alias, generated] = await Promise.all([
      shortener.shorten({ longUrl: URL_A, alias: 'Q0u' }),
      shortener.shorten({ longUrl: 'https://example.com/b' }),
    ]);
    expect([alias.link.code, generated.link.code]).toEqual(['Q0u', 'Q0v']);
    expect(codes.burnt).toEqual([100_000]);
    expect(await store.read(DOMAIN_ID, 'Q0u')).toEqual(alias.link);
  });

  test('gives up after a bounded number of inserts, none of which is used again', async () => {
    const { store, codes, shortener } = setUp();
    for (let i = 0; i <= MAX_BURNT; i++) await shortener.shorten({ longUrl: URL_A, alias: codeOf(100_000 + i) });
    await expect(shortener.shorten({ longUrl: URL_A })).rejects.toThrow(
      new TooManyBurntCountersError('6 inserts in a row met codes that are taken.'),
    );
    expect(codes.burnt).toEqual([0, 1, 2, 3, 4, 5].map((i) => 100_000 + i));
    expect(store.size).toBe(MAX_BURNT + 1);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_000 + MAX_BURNT + 1);
  });

  test('gives up after 33 inserts where no other bound is given', async () => {
    const codes = new CountingCodes(100_000);
    const store = new MemoryLinkStore();
    const shortener = shortenerOn(store, codes);
    for (let i = 0; i < 33; i++) await shortener.shorten({ longUrl: URL_A, alias: codeOf(100_000 + i) });
    await expect(shortener.shorten({ longUrl: URL_A })).rejects.toThrow('33 inserts in a row met codes');
    expect(codes.burnt).toHaveLength(33);
    expect([...codes.reasons]).toEqual(['taken']);
  });

  test('succeeds on the last counter that it may try', async () => {
    const { shortener } = setUp();
    for (let i = 0; i < MAX_BURNT; i++) await shortener.shorten({ longUrl: URL_A, alias: codeOf(100_000 + i) });
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_000 + MAX_BURNT);
  });

  test('another generated link under its code is a broken invariant: reported, not retried, not burnt', async () => {
    const { store, codes, shortener } = setUp();
    const first = await shortener.shorten({ longUrl: URL_A });
    const twin = shortenerOn(store, new CountingCodes(100_000));
    await expect(twin.shorten({ longUrl: 'https://example.com/b' })).rejects.toThrow(
      new DuplicateCounterError('Counter 100000 (code Q0u) was used already; issuing has stopped.'),
    );
    expect(await store.read(DOMAIN_ID, 'Q0u')).toEqual(first.link);

    const reporting = new CountingCodes(100_000);
    const again = shortenerOn(store, reporting);
    await expect(again.shorten({ longUrl: URL_A })).rejects.toMatchObject({ code: 'duplicate_counter' });
    expect(reporting.duplicates).toEqual([100_000]);
    expect(reporting.burnt).toEqual([]);
    expect(codes.duplicates).toEqual([]);
  });

  test.each([
    { failure: new StoreUnavailableError('down'), burnt: [100_000] },
    { failure: new StoreOutcomeUnknownError('no answer'), burnt: [] }, // it may be a link's
  ])(
    'when the store fails, the error is passed on and the counter is not used again: $failure',
    async ({ failure, burnt }) => {
      const { store, codes, shortener } = setUp();
      store.gate = () => {
        throw failure;
      };
      await expect(shortener.shorten({ longUrl: URL_A })).rejects.toBe(failure);
      store.gate = undefined;
      expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_001);
      expect(codes.burnt).toEqual(burnt);
      expect([...codes.reasons]).toEqual(burnt.map(() => 'refused'));
    },
  );

  test('when nothing is left to issue, the allocator’s error is passed on and nothing is inserted', async () => {
    const exhausted = new Error('ids_exhausted');
    const store = new MemoryLinkStore();
    const codes: CodeSource = {
      nextOrWait: () => Promise.reject(exhausted),
      upcoming: () => [],
      reportBurnt: () => {},
      reportDuplicate: () => {},
    };
    const shortener = shortenerOn(store, codes);
    await expect(shortener.shorten({ longUrl: URL_A })).rejects.toBe(exhausted);
    expect(store.calls).toEqual([]);
    expect((await shortener.shorten({ longUrl: URL_A, alias: 'still-works' })).created).toBe(true);
  });
});

describe('aliases that squat on the codes to come', () => {
  async function squatted(count: number) {
    const store = new MemoryLinkStore();
    const codes = new CountingCodes(100_000, 200_000);
    const shortener = shortenerOn(store, codes);
    const squatter = shortenerOn(store, new CountingCodes(0));
    for (const code of counters(100_000, count).map(codeOf)) {
      if (!isReservedWord(code)) await squatter.shorten({ longUrl: URL_A, alias: code });
    }
    store.calls.length = 0;
    const calls = (kind: 'insert' | 'find') => store.calls.filter(({ call }) => call === kind).length;
    return { store, codes, shortener, calls };
  }
  test.each([3, 330, 20_000])('%i of them fail no create, and cost a counter each and no more', async (count) => {
    const { codes, shortener, calls } = await squatted(count);
    const made = await Promise.all(counters(0, 10).map(() => shortener.shorten({ longUrl: URL_A })));
    const issued = made.map(({ link }) => link.counter).sort((a, b) => a - b);
    expect(issued).toEqual(counters(100_000 + count, 10));
    expect(codes.burnt).toHaveLength(count);
    // Those that were met before anybody looked, and at each look the first ones behind it.
    expect(calls('insert')).toBeLessThan(100);
    expect(calls('find')).toBeLessThan(count * 1.1 + 2_000);
  });

  test('however many there are, others get their turns in between', async () => {
    const { store, codes, shortener } = await squatted(20_000);
    store.gate = () => new Promise<void>((resolve) => void setImmediate(resolve));
    let [seen, most, isOver] = [0, 0, false];
    const eachTurn = () => {
      most = Math.max(most, codes.burnt.length - seen);
      seen = codes.burnt.length;
      if (!isOver) setImmediate(eachTurn);
    };
    eachTurn();
    await shortener.shorten({ longUrl: URL_A });
    isOver = true;
    expect([codes.burnt.length, most < 6_000]).toEqual([20_000, true]);
  }, 30_000);

  test('are not looked for by who meets none, or one', async () => {
    const { shortener, calls } = await squatted(1);
    for (let i = 0; i < 5; i += 1) await shortener.shorten({ longUrl: URL_A });
    expect([calls('insert'), calls('find')]).toEqual([6, 0]);
  });

  test('are met one by one while the store cannot be asked for them', async () => {
    const { store, codes, shortener } = await squatted(20);
    store.gate = ({ call }) => {
      if (call === 'find') throw new StoreUnavailableError('no reads now');
    };
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_020);
    expect(codes.burnt).toEqual(counters(100_000, 20));
  });

  test('hide no generated link: that one is found by the insert', async () => {
    const { store, codes, shortener } = await squatted(40);
    await shortenerOn(store, new CountingCodes(100_040)).shorten({ longUrl: URL_A });
    await expect(shortener.shorten({ longUrl: URL_A })).rejects.toMatchObject({ code: 'duplicate_counter' });
    expect(codes.duplicates).toEqual([100_040]);
  });
});

describe('an actor without the right to create', () => {
  test('is refused before anything is looked at or taken', async () => {
    const { store, codes, shortener } = setUp();
    await expect(shortener.shorten({ longUrl: 'no URL' }, anonymous(['delete']))).rejects.toThrow(ForbiddenError);
    expect([store.calls, codes.burnt]).toEqual([[], []]);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_000);
  });
});

describe('an insert that is made again', () => {
  const again = (store: MemoryLinkStore) =>
    shortenerOn(store, new CountingCodes(100_000), {}, () => '0'.repeat(31).concat('7'));

  test.each([undefined, 'mine'])('answers the link that the first one made: alias %p', async (alias) => {
    const store = new MemoryLinkStore();
    const first = await again(store).shorten({ longUrl: URL_A, alias });
    expect(await again(store).shorten({ longUrl: 'https://example.com/b', alias })).toEqual(first);
    expect(first.created).toBe(true);
    expect(store.size).toBe(1);
  });

  test('is told when the link was deleted in between', async () => {
    const store = new MemoryLinkStore();
    const { link } = await again(store).shorten({ longUrl: URL_A });
    await store.remove(DOMAIN_ID, link.code);
    await expect(again(store).shorten({ longUrl: URL_A })).rejects.toThrow(
      new LinkGoneError('This link was created, and deleted since.'),
    );
  });
});

describe('a store that says it is away', () => {
  test('costs no counter, and a create goes through as soon as it is back', async () => {
    const { store, codes, shortener } = setUp();
    Object.defineProperty(store, 'available', { value: false, configurable: true });
    for (let i = 0; i < 10; i++) {
      await expect(shortener.shorten({ longUrl: 'https://example.com/' })).rejects.toThrow(
        new StoreUnavailableError('The store is away, or takes no links.'),
      );
    }
    Object.defineProperty(store, 'available', { value: true });
    expect((await shortener.shorten({ longUrl: 'https://example.com/' })).link.counter).toBe(100_000);
    expect(codes.burnt).toEqual([]);
  });
});

describe('a store of which a part is away', () => {
  test('gets the next code that lies elsewhere; those that were skipped are spent', async () => {
    const { store, codes, shortener } = setUp();
    const isAway = (code: string) => [codeOf(100_000), codeOf(100_001), codeOf(100_003)].includes(code);
    Object.defineProperty(store, 'takes', { value: (_domainId: number, code: string) => !isAway(code) });
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_002);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_004);
    expect([codes.burnt, [...codes.reasons]]).toEqual([[100_000, 100_001, 100_003], ['refused']]);
  });

  test('is away for a create where too many codes in a row lie there', async () => {
    const { store, codes, shortener } = setUp();
    Object.defineProperty(store, 'takes', { value: () => false });
    await expect(shortener.shorten({ longUrl: URL_A })).rejects.toThrow(StoreUnavailableError);
    expect(codes.burnt).toHaveLength(MAX_BURNT + 1);
  });
});

describe('shortening with an alias', () => {
  test('takes no counter and makes one insert', async () => {
    const { store, shortener } = setUp();
    const { link, created } = await shortener.shorten({ longUrl: URL_A, alias: 'Spring-Sale' });
    expect({ link, created }).toMatchObject({
      created: true,
      link: { kind: 'alias', counter: 0, code: 'Spring-Sale' },
    });
    expect(store.calls).toEqual([{ call: 'insert', code: 'Spring-Sale' }]);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_000);
  });

  test('the same alias, URL and expiry again is the same link', async () => {
    const { shortener } = setUp();
    const request = { longUrl: URL_A, alias: 'mine', expiresAt: '2027-01-01T00:00:00Z' };
    const first = await shortener.shorten(request);
    const again = await shortener.shorten({
      ...request,
      longUrl: 'HTTPS://example.com:443/a',
      expiresAt: '2027-01-01T01:00:00+01:00',
    });
    expect(again).toEqual({ link: first.link, created: false, replayed: false });
  });

  test('whoever gets it is told of, once, by whatever way; whoever does not is not', async () => {
    const told: unknown[] = [];
    const shortener = createShortener({
      store: new MemoryLinkStore(),
      codes: new CountingCodes(100_000),
      clock: { nowMs: () => NOW_MS },
      newInsertId: createInsertIds(randomBytes(8)),
      policy: {},
      idempotency: {
        digest: (text) => createHash('sha256').update(text).digest('hex'),
        reservations: new MemoryReservationStore(),
      },
      onClaimed: ({ link, replayed }, { name }) => told.push([link.code, name, replayed]),
    });
    const ci = tokenHolder('ci');
    const shorten = (alias: string | undefined, longUrl: string, key?: string) =>
      shortener.shorten(DOMAIN_ID, { longUrl, alias }, ci, key).catch(() => undefined);
    await shorten('one', URL_A);
    await shorten('one', URL_A);
    await shorten('one', 'https://example.com/b');
    await shorten('two', URL_A, 'a key');
    await shorten('two', URL_A, 'a key');
    for (const key of [undefined, 'another']) await shorten(undefined, URL_A, key);
    const requests = [
      { longUrl: URL_A, alias: 'three' },
      { longUrl: URL_A },
      { longUrl: 'https://example.com/b', alias: 'one' },
    ];
    await shortener.batch(DOMAIN_ID, requests, ci, 'a third', ({ shorten: each }) =>
      Promise.allSettled(requests.map((_, index) => each(index))),
    );
    expect(told).toEqual([
      ['one', 'ci', false],
      ['two', 'ci', false],
      ['two', 'ci', true],
      ['three', 'ci', false],
    ]);
  });

  test('the same alias with anything else is taken', async () => {
    const { store, shortener } = setUp();
    await shortener.shorten({ longUrl: URL_A, alias: 'mine' });
    const generated = await shortener.shorten({ longUrl: URL_A });
    const taken = [
      { longUrl: 'https://example.com/b', alias: 'mine' },
      { longUrl: URL_A, alias: 'mine', expiresAt: '2027-01-01T00:00:00Z' },
      { longUrl: URL_A, alias: generated.link.code },
    ];
    for (const request of taken) {
      await expect(shortener.shorten(request)).rejects.toThrow(
        new AliasTakenError(`The alias ${request.alias} is taken.`),
      );
    }
    expect((await shortener.shorten({ longUrl: URL_A, alias: 'MINE' })).created).toBe(true);

    await store.remove(DOMAIN_ID, 'mine');
    await expect(shortener.shorten({ longUrl: URL_A, alias: 'mine' })).rejects.toMatchObject({ code: 'alias_deleted' });
  });

  test('of many who claim it at once for different URLs, one gets it', async () => {
    const { shortener } = setUp();
    const claims = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => shortener.shorten({ longUrl: `${URL_A}${index}`, alias: 'race' })),
    );
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const claim of claims) if (claim.status === 'rejected') expect(claim.reason).toBeInstanceOf(AliasTakenError);
  });
});

describe('an invalid request', () => {
  test('names every field that is wrong, takes no counter and asks no store', async () => {
    const { store, shortener } = setUp();
    const bad = { longUrl: 'ftp://example.com', alias: 'api', expiresAt: 'tomorrow' };
    const error: unknown = await shortener.shorten(bad).catch((reason) => reason);
    expect(error).toBeInstanceOf(InvalidLinkError);
    expect((error as InvalidLinkError).problems.map(({ field, rule }) => [field, rule])).toEqual([
      ['long_url', 'scheme_not_allowed'],
      ['alias', 'reserved'],
      ['expires_at', 'not_rfc3339'],
    ]);
    expect((error as InvalidLinkError).code).toBe('invalid_link');
    expect(store.calls).toEqual([]);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_000);
  });

  test('can be asked about beforehand, which takes and writes nothing', async () => {
    const { store, shortener } = setUp();
    const bad = { longUrl: 'ftp://example.com', alias: 'api', expiresAt: new Date(NOW_MS).toISOString() };
    expect(shortener.check(bad).map(({ field, rule }) => [field, rule])).toEqual([
      ['long_url', 'scheme_not_allowed'],
      ['alias', 'reserved'],
      ['expires_at', 'not_in_future'],
    ]);
    expect(shortener.check({ longUrl: 'https://lakh.example' })).toHaveLength(1);
    expect(shortener.check({ longUrl: URL_A, alias: 'mine' })).toEqual([]);
    expect(store.calls).toEqual([]);
    expect((await shortener.shorten({ longUrl: URL_A })).link.counter).toBe(100_000);
  });

  test('is told from a fault of the check itself', () => {
    const fault = new TypeError('no clock');
    const clock = {
      nowMs: () => {
        throw fault;
      },
    };
    const shortener = createShortener({
      store: new MemoryLinkStore(),
      codes: new CountingCodes(100_000),
      clock,
      newInsertId: () => '',
      policy: {},
    });
    expect(() => shortener.check(DOMAIN_ID, { longUrl: URL_A })).toThrow(fault);
  });

  test('an own host is refused, null counts as absent, an empty alias does not', async () => {
    const { shortener } = setUp();
    const rulesOf = (request: { longUrl: unknown; alias?: unknown; expiresAt?: unknown }) =>
      shortener.shorten(request).then(
        () => [],
        (error: InvalidLinkError) => error.problems.map(({ rule }) => rule),
      );
    expect(await rulesOf({ longUrl: 'http://LAKH.example.:99/' })).toEqual(['own_host']);
    expect(await rulesOf({ longUrl: URL_A, alias: null, expiresAt: null })).toEqual([]);
    expect(await rulesOf({ longUrl: URL_A, alias: '' })).toEqual(['too_short']);
    expect(await rulesOf({ longUrl: undefined, alias: 7, expiresAt: 7 })).toEqual([
      'not_a_string',
      'not_a_string',
      'not_a_string',
    ]);
    expect(await rulesOf({ longUrl: URL_A, expiresAt: new Date(NOW_MS).toISOString() })).toEqual(['not_in_future']);
    expect(await rulesOf({ longUrl: URL_A, expiresAt: new Date(NOW_MS + 1).toISOString() })).toEqual([]);
  });
});
