import { ForbiddenError } from '@lakh/base';
import { MemoryLinkStore, recordAs, SampleLinks, tombstoneOf } from '@lakh/testkit';
import {
  anonymous,
  ChangedSinceError,
  createEditor,
  createRemover,
  type EditorOptions,
  InvalidLinkError,
  LinkGoneError,
  LinkNotFoundError,
  OwnHosts,
  StoreOutcomeUnknownError,
  tokenHolder,
} from '../src/index.js';

const NOW_MS = Date.UTC(2026, 10, 26);
const actor = tokenHolder('ci');

async function setUp(more: Partial<EditorOptions> = {}) {
  const store = new MemoryLinkStore();
  const [told, edited, hasten] = [jest.fn(), jest.fn(), jest.fn(async (_domainId: number, _code: string) => true)];
  const link = new SampleLinks().generated({ expiresAtMs: NOW_MS - 1, redirectStatus: 302 });
  await store.insert(link);
  const options = {
    ...{ store, hasten, invalidate: told, onEdited: edited },
    clock: { nowMs: () => NOW_MS },
    policy: { ownHosts: new OwnHosts(['https://lakh.example']) },
    ...more,
  };
  return { store, told, edited, hasten, link, options, ...createEditor(options), ...createRemover(options) };
}

describe('an edit', () => {
  test('changes what it names, tells every cache the new link, and who did it', async () => {
    const { edit, store, told, edited, hasten, link } = await setUp();
    const changed = { ...recordAs(link, 2), longUrl: 'https://example.com/%C3%A9', expiresAtMs: Date.UTC(2999, 0, 1) };
    const request = { longUrl: 'https://EXAMPLE.com/é', expiresAt: '2999-01-01T00:00:00Z' };
    expect(await edit(0, link.code, request, actor)).toEqual({
      link: changed,
      edited: true,
      replayed: false,
      delivered: true,
    });
    expect(await store.read(0, link.code)).toEqual(changed);
    expect([told.mock.calls, edited.mock.calls, hasten.mock.calls]).toEqual([
      [[changed]],
      [[changed, actor]],
      [[0, link.code, 2]],
    ]);
  });

  test('clears by null, and leaves what is not named', async () => {
    const { edit, link } = await setUp();
    const cleared = { ...recordAs(link, 2), expiresAtMs: null, redirectStatus: null };
    expect((await edit(0, link.code, { expiresAt: null, redirectStatus: null }, actor)).link).toEqual(cleared);
    expect((await edit(0, link.code, { redirectStatus: 308 }, actor)).link).toEqual({
      ...cleared,
      redirectStatus: 308,
      version: 3,
    });
  });

  test.each([
    { request: { longUrl: 'https://example.com/other' }, changed: { longUrl: 'https://example.com/other' } },
    { request: { expiresAt: '2999-01-01T00:00:00Z' }, changed: { expiresAtMs: Date.UTC(2999, 0, 1) } },
    { request: { redirectStatus: 307 }, changed: { redirectStatus: 307 } },
  ])('of one field alone is an edit: $request', async ({ request, changed }) => {
    const { edit, link } = await setUp();
    expect(await edit(0, link.code, request, actor)).toMatchObject({
      edited: true,
      link: { ...recordAs(link, 2), ...changed },
    });
  });

  test('that changes nothing tells the caches again, and nobody who did it', async () => {
    const { edit, told, edited, hasten, link } = await setUp();
    const same = recordAs(link);
    expect(await edit(0, link.code, { redirectStatus: 302 }, actor)).toEqual({
      ...{ link: same, edited: false, replayed: false, delivered: true },
    });
    expect([told.mock.calls, edited.mock.calls, hasten.mock.calls]).toEqual([[[same]], [], [[0, link.code, 1]]]);
  });

  test('is refused for every field that is wrong, before the store is asked', async () => {
    const { edit, store, link } = await setUp();
    const wrong = { longUrl: null, expiresAt: '2020-01-01T00:00:00Z', redirectStatus: '301' };
    const refusal = await edit(0, link.code, wrong, actor).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidLinkError);
    expect((refusal as InvalidLinkError).problems).toEqual([
      { field: 'long_url', rule: 'not_a_string', reason: 'must be a string' },
      { field: 'expires_at', rule: 'not_in_future', reason: 'must be in the future' },
      { field: 'redirect_status', rule: 'not_a_redirect', reason: 'must be one of 301, 302, 307, 308' },
    ]);
    await expect(edit(0, link.code, { longUrl: 'https://lakh.example/x' }, actor)).rejects.toThrow(InvalidLinkError);
    expect(store.calls.map(({ call }) => call)).toEqual(['insert']);
  });

  test('needs the right to edit', async () => {
    const { edit, link } = await setUp();
    const forbidden = new ForbiddenError(
      'Changing links needs an API key or token, and this server has none configured.',
    );
    await expect(edit(0, link.code, {}, anonymous(['create', 'read', 'delete']))).rejects.toThrow(forbidden);
    await expect(edit(0, link.code, {}, anonymous(['edit']))).resolves.toMatchObject({ edited: false });
  });

  test('of a link that is not there, cannot be, or was deleted', async () => {
    const { edit, remove, store, told, link } = await setUp();
    await expect(edit(0, 'none', {}, actor)).rejects.toThrow(new LinkNotFoundError('There is no link with this code.'));
    const { length } = store.calls;
    await expect(edit(0, 'no code', {}, actor)).rejects.toThrow(LinkNotFoundError);
    expect(store.calls).toHaveLength(length);
    await remove(0, link.code, actor);
    told.mockClear();
    await expect(edit(0, link.code, {}, actor)).rejects.toThrow(new LinkGoneError('This link was deleted.'));
    expect(told).not.toHaveBeenCalled();
  });

  test('or a delete that is meant for another version changes nothing', async () => {
    const { edit, remove, store, told, link } = await setUp();
    await edit(0, link.code, { redirectStatus: 307 }, actor, [1]);
    told.mockClear();
    const late = new ChangedSinceError(2);
    await expect(edit(0, link.code, { redirectStatus: 308 }, actor, [1])).rejects.toThrow(late);
    await expect(remove(0, link.code, actor, [1, 3])).rejects.toThrow(late);
    expect(told).not.toHaveBeenCalled();
    expect(await store.read(0, link.code)).toMatchObject({ redirectStatus: 307, version: 2 });
    await expect(remove(0, link.code, actor, [2])).resolves.toEqual({ removed: true, delivered: true });
    expect(await store.read(0, link.code)).toEqual(tombstoneOf(link, 3));
  });

  test('is for the relay where the shared cache does not take it, or nobody knows what became of it', async () => {
    const { edit, store, hasten, told, link } = await setUp();
    hasten.mockResolvedValue(false);
    expect(await edit(0, link.code, { redirectStatus: 308 }, actor)).toMatchObject({ edited: true, delivered: false });
    expect(told).toHaveBeenCalledTimes(1);
    store.gate = () => {
      throw new StoreOutcomeUnknownError('lost');
    };
    await expect(edit(0, link.code, { redirectStatus: 301 }, actor)).rejects.toThrow(StoreOutcomeUnknownError);
    expect([told.mock.calls.length, hasten.mock.calls.length]).toEqual([1, 1]);
  });
});
