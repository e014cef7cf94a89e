import { createHash, randomBytes } from 'node:crypto';
import { MemoryLinkStore, MemoryReservationStore, SampleLinks } from '@lakh/testkit';
import {
  type Actor,
  anonymous,
  type BurntReason,
  createEditor,
  createInsertIds,
  createRemover,
  createShortener,
  type EditRequest,
  IDEMPOTENCY_KEY_KEPT_MS,
  type Reservation,
  type ShortenRequest,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  tokenHolder,
} from '../src/index.js';

const START_MS = Date.UTC(2026, 10, 26);
const URL_A = 'https://example.com/a';
const URL_B = 'https://example.com/b';
const ANYONE = anonymous(['create', 'read']);
const CI = tokenHolder('ci');
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

/** Servers of one system: each `server()` is another process. */
function setUp() {
  const [store, reservations] = [new MemoryLinkStore(), new MemoryReservationStore()];
  const clock = { nowMs: () => START_MS, next: 100_000 };
  const reported = { burnt: [] as [number, BurntReason][], duplicates: [] as number[] };
  function server(kept: Pick<MemoryReservationStore, 'find' | 'reserve' | 'forget'> = reservations) {
    const shortener = createShortener({
      store,
      codes: {
        nextOrWait: async () => ({ counter: clock.next, code: `c${clock.next++}` }),
        upcoming: () => [],
        reportBurnt: (counter, why) => void reported.burnt.push([counter, why]),
        reportDuplicate: (counter) => void reported.duplicates.push(counter),
      },
      clock: { nowMs: () => clock.nowMs() },
      newInsertId: createInsertIds(randomBytes(8)),
      policy: {},
      idempotency: { digest, reservations: kept },
    });
    return (request: ShortenRequest, key?: string, actor: Actor = ANYONE) => shortener.shorten(0, request, actor, key);
  }
  return { store, reservations, clock, reported, server, shorten: server(), remover: createRemover({ store }) };
}

describe('a create with a key', () => {
  test('is made once: the same link for the same request, in whatever spelling, to whatever server', async () => {
    const { shorten, server, store } = setUp();
    const first = await shorten({ longUrl: URL_A }, 'k');
    expect(first).toMatchObject({ created: true, replayed: false, link: { code: 'c100000', version: 1 } });
    const again = { ...first, replayed: true };
    expect(await shorten({ longUrl: URL_A }, 'k')).toEqual(again);
    expect(await server()({ longUrl: ' HTTPS://EXAMPLE.com/a', alias: null, expiresAt: null }, 'k')).toEqual(again);
    expect(store.size).toBe(1);
    expect((await shorten({ longUrl: URL_A }, 'other')).link.code).toBe('c100001');
    expect((await shorten({ longUrl: URL_A })).link.code).toBe('c100002');
  });

  test('is refused where the key stands for another request, and for nothing of another caller', async () => {
    const { shorten, store } = setUp();
    await shorten({ longUrl: URL_A }, 'k');
    for (const other of [
      { longUrl: URL_B },
      { longUrl: URL_A, alias: 'my-alias' },
      { longUrl: URL_A, expiresAt: '2999-01-01T00:00:00Z' },
      { longUrl: URL_A, redirectStatus: 302 },
    ]) {
      await expect(shorten(other, 'k')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    }
    expect(store.size).toBe(1);
    expect(await shorten({ longUrl: URL_B }, 'k', CI)).toMatchObject({ replayed: false });
    expect(await shorten({ longUrl: URL_B }, 'k', tokenHolder('other'))).toMatchObject({ replayed: false });
    expect(await shorten({ longUrl: URL_B }, 'k', CI)).toMatchObject({ replayed: true });
  });

  test('keeps nothing of a request that is invalid, nor looks at what is kept', async () => {
    const { shorten, reservations } = setUp();
    await expect(shorten({ longUrl: 'ftp://x', alias: 1 }, 'k')).rejects.toMatchObject({ code: 'invalid_link' });
    await expect(shorten({ longUrl: URL_A, expiresAt: '2020-01-01T00:00:00Z' }, 'k')).rejects.toMatchObject({
      code: 'invalid_link',
    });
    expect(reservations.size).toBe(0);
    expect(await shorten({ longUrl: URL_A }, 'k')).toMatchObject({ replayed: false });
  });

  test('under way is waited for by nobody', async () => {
    const { shorten, store } = setUp();
    let goOn = () => {};
    store.gate = () =>
      new Promise((resolve) => {
        goOn = resolve;
      });
    const first = shorten({ longUrl: URL_A }, 'k');
    await new Promise(setImmediate);
    const refused = { code: 'idempotency_key_in_use', retryAfterS: 1 };
    await expect(shorten({ longUrl: URL_A }, 'k')).rejects.toMatchObject(refused);
    await expect(shorten({ longUrl: URL_B }, 'k')).rejects.toMatchObject(refused);
    store.gate = undefined;
    goOn();
    await first;
    expect(await shorten({ longUrl: URL_A }, 'k')).toMatchObject({ replayed: true });
  });

  test.each([
    ['no answer', new StoreOutcomeUnknownError('no answer')],
    ['refused', new StoreUnavailableError('refused')],
  ])('whose insert got "%s" is finished by the next, with the same code', async (_, error) => {
    const { shorten, server, store, reported } = setUp();
    store.gate = () => {
      throw error;
    };
    await expect(shorten({ longUrl: URL_A }, 'k')).rejects.toBe(error);
    store.gate = undefined;
    expect(await server()({ longUrl: URL_A }, 'k')).toMatchObject({ replayed: true, link: { code: 'c100000' } });
    expect(reported.burnt).toEqual([]);
  });

  test('is of the time when it was first asked for, also once its expiry has passed', async () => {
    const { shorten, store, clock } = setUp();
    const request = { longUrl: URL_A, expiresAt: '2026-11-26T00:00:10Z' };
    store.gate = () => {
      throw new StoreOutcomeUnknownError('no answer');
    };
    await expect(shorten(request, 'k')).rejects.toThrow('no answer');
    store.gate = undefined;
    clock.nowMs = () => START_MS + 60_000;
    expect(await shorten(request, 'k')).toMatchObject({ link: { createdAtMs: START_MS }, replayed: true });
    await expect(shorten(request, 'another')).rejects.toMatchObject({ code: 'invalid_link' });
  });

  test('answers the link as it is now: edited, or gone', async () => {
    const { shorten, store, remover } = setUp();
    const { code } = (await shorten({ longUrl: URL_A }, 'k')).link;
    await store.edit(0, code, { longUrl: URL_B });
    expect((await shorten({ longUrl: URL_A }, 'k')).link).toMatchObject({ code, longUrl: URL_B, version: 2 });
    await remover.remove(0, code, tokenHolder('ci'));
    await expect(shorten({ longUrl: URL_A }, 'k')).rejects.toMatchObject({ code: 'link_gone' });
    expect(store.size).toBe(1);
  });

  test('moves on where its code is taken, and only then', async () => {
    const { shorten, server, store, reported } = setUp();
    const sample = new SampleLinks();
    await store.insert(sample.alias({ code: 'c100000' }));
    await store.insert(sample.alias({ code: 'c100001' }));
    expect((await shorten({ longUrl: URL_A }, 'k')).link.code).toBe('c100002');
    expect((await server()({ longUrl: URL_A }, 'k')).link.code).toBe('c100002');
    expect(reported.burnt).toEqual([
      [100_000, 'taken'],
      [100_001, 'taken'],
    ]);
  });

  test('spends no second counter where another server was first', async () => {
    const { reservations, server, store, reported } = setUp();
    // Both look before either reserves.
    let looked = 0;
    let goOn = () => {};
    const bothLooked = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const together = {
      find: async (keyHash: string) => {
        const found = await reservations.find(keyHash);
        looked += 1;
        if (looked === 2) goOn();
        await bothLooked;
        return found;
      },
      reserve: (...reserve: [string, Reservation, Reservation?]) => reservations.reserve(...reserve),
      forget: async () => 0,
    };
    const both = [server(together), server(together)].map((shorten) => shorten({ longUrl: URL_A }, 'k'));
    const results = await Promise.all(both);
    expect(results.map(({ link }) => link.code)).toEqual(['c100000', 'c100000']);
    expect(results.map(({ replayed }) => replayed)).toEqual([false, true]);
    expect(reported.burnt).toEqual([[100_001, 'unneeded']]);
    expect(store.size).toBe(1);
  });

  test('whose reservation is refused spends its counter', async () => {
    const { reservations, server, reported } = setUp();
    const refusing = {
      find: (keyHash: string) => reservations.find(keyHash),
      reserve: async () => {
        throw new StoreUnavailableError('refused');
      },
      forget: async () => 0,
    };
    await expect(server(refusing)({ longUrl: URL_A }, 'k')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(reported.burnt).toEqual([[100_000, 'refused']]);
  });

  test('reports a broken counter once, however often it is asked for', async () => {
    const { shorten, server, store, reported } = setUp();
    await store.insert(new SampleLinks().generated({ code: 'c100000', counter: 7 }));
    await expect(shorten({ longUrl: URL_A }, 'k')).rejects.toMatchObject({ code: 'duplicate_counter' });
    expect(await server()({ longUrl: URL_A }, 'k')).toMatchObject({ link: { code: 'c100001' }, created: true });
    expect(reported.duplicates).toEqual([100_000]);
  });

  test('claims an alias once, and answers as it did', async () => {
    const { shorten, server, store } = setUp();
    const request = { longUrl: URL_A, alias: 'my-alias' };
    expect(await shorten(request, 'k')).toMatchObject({ created: true, replayed: false });
    expect(await server()(request, 'k')).toMatchObject({ created: true, replayed: true, link: { code: 'my-alias' } });
    expect(await shorten(request, 'another')).toMatchObject({ created: false, replayed: false });
    expect(await shorten(request, 'another')).toMatchObject({ created: false, replayed: true });
    const taken = { longUrl: URL_B, alias: 'my-alias' };
    for (let times = 0; times < 2; times += 1) {
      await expect(shorten(taken, 'third')).rejects.toMatchObject({ code: 'alias_taken' });
    }
    expect(store.size).toBe(1);
  });

  test('is forgotten after a day, swept or not', async () => {
    const { shorten, clock, reservations } = setUp();
    const keep = (ageMs: number) => {
      clock.nowMs = () => START_MS + ageMs;
    };
    await shorten({ longUrl: URL_A }, 'k');
    await shorten({ longUrl: URL_A }, 'swept');
    keep(IDEMPOTENCY_KEY_KEPT_MS - 1);
    expect((await shorten({ longUrl: URL_A }, 'k')).link.code).toBe('c100000');
    keep(IDEMPOTENCY_KEY_KEPT_MS);
    expect(await shorten({ longUrl: URL_B }, 'k')).toMatchObject({ replayed: false, link: { code: 'c100002' } });
    expect(await shorten({ longUrl: URL_B }, 'k')).toMatchObject({ replayed: true, link: { code: 'c100002' } });
    expect(await reservations.forget(START_MS + 1, 10)).toBe(1);
    expect(await shorten({ longUrl: URL_A }, 'swept')).toMatchObject({ replayed: false, link: { code: 'c100003' } });
  });

  test('needs the right to create, whatever was made with it', async () => {
    const { shorten } = setUp();
    await shorten({ longUrl: URL_A }, 'k', CI);
    await expect(shorten({ longUrl: URL_A }, 'k', tokenHolder('ci', ['read']))).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

describe('an edit with a key', () => {
  async function setUpEdits() {
    const store = new MemoryLinkStore();
    const clock = { nowMs: () => START_MS };
    const [edited, invalidate] = [jest.fn(), jest.fn()];
    const link = new SampleLinks().generated();
    await store.insert(link);
    const server = () => {
      const editor = createEditor({
        store,
        clock: { nowMs: () => clock.nowMs() },
        policy: {},
        digest,
        onEdited: edited,
        invalidate,
      });
      return (request: EditRequest, key: string, ifVersions?: readonly number[], actor = CI) =>
        editor.edit(0, link.code, request, actor, ifVersions, key);
    };
    return { store, clock, edited, invalidate, link, server, edit: server() };
  }

  test('is made once, and answers the same again, whatever version it was meant for', async () => {
    const { edit, server, edited, invalidate, link, store } = await setUpEdits();
    const first = await edit({ longUrl: URL_A }, 'k', [1]);
    expect(first).toMatchObject({ edited: true, replayed: false, link: { code: link.code, version: 2 } });
    for (const ask of [edit, server()]) {
      expect(await ask({ longUrl: URL_A }, 'k', [1])).toEqual({ ...first, edited: false, replayed: true });
    }
    expect([edited.mock.calls.length, invalidate.mock.calls.length]).toEqual([1, 3]);
    await store.edit(0, link.code, { longUrl: URL_B });
    expect(await edit({ longUrl: URL_A }, 'k')).toMatchObject({ replayed: true, link: { longUrl: URL_B, version: 3 } });
    expect(await edit({ longUrl: URL_A }, 'another')).toMatchObject({ edited: true, link: { version: 4 } });
  });

  test('is refused where the key stands for another edit', async () => {
    const { edit } = await setUpEdits();
    await edit({ expiresAt: null }, 'k');
    for (const other of [{}, { expiresAt: '2999-01-01T00:00:00Z' }, { expiresAt: null, redirectStatus: null }]) {
      await expect(edit(other, 'k')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    }
    expect(await edit({ redirectStatus: 307 }, 'k', undefined, tokenHolder('other'))).toMatchObject({ edited: true });
  });

  test('that was not made leaves the key free', async () => {
    const { edit, link } = await setUpEdits();
    await expect(edit({ longUrl: URL_A }, 'k', [7])).rejects.toMatchObject({ code: 'changed_since' });
    await expect(edit({ longUrl: 'nonsense' }, 'k')).rejects.toMatchObject({ code: 'invalid_link' });
    expect(await edit({ longUrl: URL_B }, 'k', [1])).toMatchObject({ edited: true, link: { code: link.code } });
  });

  test('to an expiry that has passed by now is answered if it was made, and refused if not', async () => {
    const { edit, clock } = await setUpEdits();
    const request = { expiresAt: '2026-11-26T00:00:10Z' };
    await edit(request, 'k');
    clock.nowMs = () => START_MS + 60_000;
    expect(await edit(request, 'k')).toMatchObject({ replayed: true });
    await expect(edit(request, 'another')).rejects.toMatchObject({ code: 'invalid_link' });
  });

  test('under way is waited for by nobody', async () => {
    const { edit, store } = await setUpEdits();
    let goOn = () => {};
    store.gate = () =>
      new Promise((resolve) => {
        goOn = resolve;
      });
    const first = edit({ longUrl: URL_A }, 'k');
    await new Promise(setImmediate);
    await expect(edit({ longUrl: URL_A }, 'k')).rejects.toMatchObject({ code: 'idempotency_key_in_use' });
    goOn();
    expect(await first).toMatchObject({ edited: true });
  });

  test('is forgotten after a day', async () => {
    const { edit, clock } = await setUpEdits();
    await edit({ longUrl: URL_A }, 'k');
    clock.nowMs = () => START_MS + IDEMPOTENCY_KEY_KEPT_MS;
    expect(await edit({ longUrl: URL_B }, 'k')).toMatchObject({ edited: true, replayed: false });
  });

  test('of a link that is not there, or was deleted, is as one without', async () => {
    const { edit, store, link } = await setUpEdits();
    await edit({ longUrl: URL_A }, 'k');
    await store.remove(0, link.code);
    await expect(edit({ longUrl: URL_A }, 'k')).rejects.toMatchObject({ code: 'link_gone' });
  });
});
