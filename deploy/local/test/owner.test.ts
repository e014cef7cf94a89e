import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveAll, makeFolder, makeOwnFolder, ownerOf, writeFor } from '../src/servers/owner';

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-owner-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

asRoot('a server that root starts', () => {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(':'));

  test("runs as its package's user", () => {
    const [, , uid, gid] = accounts.find(([name]) => name === 'www-data') ?? [];
    expect(ownerOf(dir, 'www-data')).toEqual({ uid: Number(uid), gid: Number(gid) });
  });

  test('without a package’s user it runs as an id of its own, which is no account’s and the same each time', () => {
    const owner = ownerOf(dir);
    expect(accounts.map(([, , uid]) => Number(uid))).not.toContain(owner?.uid);
    expect(owner?.uid).toBeGreaterThanOrEqual(60_706);
    expect(owner?.uid).toBeLessThanOrEqual(61_183);
    expect(ownerOf(dir)).toEqual(owner);
    const others = ['a', 'b', 'c', 'd', 'e'].map((name) => ownerOf(join(dir, name))?.uid);
    expect(new Set(others).size).toBeGreaterThan(1);
  });

  const owner = { uid: 60_990, gid: 60_991 };

  test('reads its configuration, writes its data, and nobody else does either', async () => {
    const folder = join(dir, 'server');
    makeFolder(folder, owner);
    makeOwnFolder(join(folder, 'data'), owner);
    await writeFor(owner, join(folder, 'conf'), 'secret');
    const right = (path: string) => {
      const { uid, gid, mode } = statSync(path);
      return [uid, gid, (mode & 0o7777).toString(8)];
    };
    expect(right(folder)).toEqual([0, owner.gid, '710']);
    expect(right(join(folder, 'data'))).toEqual([owner.uid, owner.gid, '700']);
    expect(right(join(folder, 'conf'))).toEqual([0, owner.gid, '640']);
  });

  test('is given what was restored for it, but nothing that a link in it leads to', () => {
    const data = join(dir, 'data');
    mkdirSync(join(data, 'inner'), { recursive: true });
    for (const name of ['data/inner/row', 'theirs', 'aside']) writeFileSync(join(dir, name), '');
    symlinkSync(join(dir, 'theirs'), join(data, 'link'));
    linkSync(join(dir, 'aside'), join(data, 'inner', 'second-name'));
    giveAll(data, owner);
    const uids = ['data', 'data/inner', 'data/inner/row', 'data/link', 'theirs', 'aside'].map(
      (name) => lstatSync(join(dir, name)).uid,
    );
    expect(uids).toEqual([owner.uid, owner.uid, owner.uid, owner.uid, 0, 0]);
  });
});
