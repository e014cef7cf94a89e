import { MemoryLinkStore } from '@lakh/testkit';
import { type Actor, createEditor, createRemover, type NewLink } from '../src/index.js';

const NOW_MS = 1_790_000_000_000;
const MINE: Actor = {
  kind: 'key',
  name: 'mine',
  rights: ['create', 'read', 'edit', 'delete'],
  owner: 'me',
  reach: 'own',
};
const clock = { nowMs: () => NOW_MS };

let store: MemoryLinkStore;
let editor: ReturnType<typeof createEditor>;
let remover: ReturnType<typeof createRemover>;

beforeEach(() => {
  store = new MemoryLinkStore();
  const digest = (text: string) => text.length.toString(16).padStart(64, '0');
  editor = createEditor({ store, clock, policy: {}, digest });
  remover = createRemover({ store });
});

async function add(code: string, owner: string): Promise<void> {
  const link: NewLink = {
    ...{ domainId: 0, code, kind: 'alias', counter: 0, longUrl: 'https://example.com/', createdAtMs: NOW_MS },
    ...{ expiresAtMs: null, redirectStatus: null, terms: null, owner, details: null, insertId: code.padStart(32, '0') },
  };
  await store.insert(link);
}

const edit = (code: string, ifVersions?: readonly number[], key?: string) =>
  editor.edit(0, code, { longUrl: 'https://example.org/' }, MINE, ifVersions, key);

test('who reaches their own links changes and deletes those, with a version or without, with a key or without', async () => {
  for (const [i, ifVersions] of [undefined, [1], undefined, [1, 2]].entries()) {
    await add(`mine${i}`, 'me');
    expect((await edit(`mine${i}`, ifVersions, i < 2 ? undefined : `key${i}`)).link.version).toBe(2);
    expect((await remover.remove(0, `mine${i}`, MINE)).removed).toBe(true);
  }
});

test('others’ links are neither changed nor deleted, whatever the version and the key', async () => {
  await add('theirs', 'them');
  await add('nobodys', '');
  for (const code of ['theirs', 'nobodys']) {
    for (const attempt of [
      () => edit(code),
      () => edit(code, [1]),
      () => edit(code, [7]),
      () => edit(code, undefined, 'key'),
      () => remover.remove(0, code, MINE),
      () => remover.remove(0, code, MINE, [1]),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'forbidden' });
    }
    expect(await store.find(0, code)).toMatchObject({ version: 1, longUrl: 'https://example.com/' });
  }
});

test('what is not there, or not any more, or of another version, is said as to everybody', async () => {
  await add('mine', 'me');
  await expect(edit('mine', [2])).rejects.toMatchObject({ code: 'changed_since' });
  await expect(edit('none')).rejects.toMatchObject({ code: 'link_not_found' });
  await remover.remove(0, 'mine', MINE);
  await expect(edit('mine')).rejects.toMatchObject({ code: 'link_gone' });
  expect((await remover.remove(0, 'mine', MINE)).removed).toBe(false);
});

test('a link that changes hands at that moment is not changed by who had it', async () => {
  await add('sold', 'me');
  const read = store.read.bind(store);
  jest.spyOn(store, 'read').mockImplementationOnce(async (domainId, code) => {
    const seen = await read(domainId, code);
    const link = await store.read(domainId, code);
    if (link?.state === 'live') store.overwrite({ ...link, owner: 'them', version: link.version + 1 });
    return seen;
  });
  await expect(edit('sold')).rejects.toMatchObject({ code: 'forbidden' });
  expect(await store.find(0, 'sold')).toMatchObject({ version: 2, longUrl: 'https://example.com/' });
});

test('a link that others change at that moment is changed after them', async () => {
  await add('busy', 'me');
  const read = store.read.bind(store);
  jest.spyOn(store, 'read').mockImplementationOnce(async (domainId, code) => {
    const seen = await read(domainId, code);
    await store.edit(domainId, code, { expiresAtMs: NOW_MS + 1_000 });
    return seen;
  });
  expect((await edit('busy')).link).toMatchObject({
    version: 3,
    expiresAtMs: NOW_MS + 1_000,
    longUrl: 'https://example.org/',
  });
});
