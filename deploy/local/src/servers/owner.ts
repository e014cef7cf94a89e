import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Who a server runs as when root starts it. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The accounts that Debian's packages of the servers bring. */
export type PackageUser = 'mysql' | 'redis' | 'www-data';

/**
 * Ids that no distribution gives out: between those of systemd's home folders and those that it makes for services. `nobody` will not
 * do, for it is everybody's: who runs as it could read the memory of whatever else does.
 */
const FIRST_ID = 60_706;
const LAST_ID = 61_183;

/**
 * Whom to run a server as: the package's own user, or, without one, an id that nobody else has, of its folder's own. Undefined unless root
 * starts it, who alone may choose; then it runs as who starts it.
 */
export function ownerOf(dir: string, user?: PackageUser): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] = (user !== undefined && accounts.find(([name]) => name === user)) || [];
  const owner = uid !== undefined && gid !== undefined ? { uid: Number(uid), gid: Number(gid) } : unused(dir, accounts);
  return isMapped(owner.uid) ? owner : undefined;
}

function unused(dir: string, accounts: readonly (readonly string[])[]): Owner {
  const taken = new Set(accounts.map(([, , uid]) => Number(uid)));
  const start = createHash('sha256').update(dir).digest().readUInt32BE() % (LAST_ID + 1 - FIRST_ID);
  for (let step = 0; step <= LAST_ID - FIRST_ID; step++) {
    const id = FIRST_ID + ((start + step) % (LAST_ID + 1 - FIRST_ID));
    if (!taken.has(id)) return { uid: id, gid: id };
  }
  throw new Error(`every id from ${FIRST_ID} to ${LAST_ID} is an account's`);
}

/** False in a user namespace that knows no other than its root, who is an ordinary user outside. */
function isMapped(id: number): boolean {
  return readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = 0, , count = 0]) => id >= first && id < first + count);
}

/**
 * A server's folder: its starter's, who alone may change it. A server of another user may enter it and read what {@link writeFor} puts
 * there; no more than that, so that root never follows a link which the server laid.
 */
export function makeFolder(dir: string, owner: Owner | undefined): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (owner !== undefined) chownSync(dir, 0, owner.gid);
  chmodSync(dir, owner === undefined ? 0o700 : 0o710);
}

/** A folder in which the server itself writes; what is there already, such as another user's data that was restored, becomes its own. */
export function makeOwnFolder(dir: string, owner: Owner | undefined): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (owner !== undefined && statSync(dir).uid !== owner.uid) giveAll(dir, owner);
  chmodSync(dir, 0o700);
}

export function giveAll(path: string, owner: Owner): void {
  const found = lstatSync(path);
  // A file of two names may be somebody else's as well.
  if (found.isFile() && found.nlink > 1) return;
  lchownSync(path, owner.uid, owner.gid);
  if (found.isDirectory()) for (const name of readdirSync(path)) giveAll(join(path, name), owner);
}

/** Configuration, for the server to read and its starter to write; whole or not at all. */
export async function writeFor(owner: Owner | undefined, file: string, text: string): Promise<void> {
  const partial = `${file}.new`;
  await writeFile(partial, text, { mode: 0o600 });
  if (owner !== undefined) {
    chownSync(partial, 0, owner.gid);
    chmodSync(partial, 0o640);
  }
  await rename(partial, file);
}

/** What the server itself is to write on, in a folder of its own; no link that it laid there is followed. */
export async function writeAsOwn(owner: Owner | undefined, file: string, text: string): Promise<void> {
  const partial = `${file}.new`;
  await rm(partial, { force: true });
  const opened = await open(partial, 'wx', 0o600);
  try {
    await opened.writeFile(text);
    if (owner !== undefined) await opened.chown(owner.uid, owner.gid);
  } finally {
    await opened.close();
  }
  await rename(partial, file);
}

/** The first folder on the way to `dir`, itself included, that a server of this user could not enter; undefined when it can go all the way. */
export function barredTo(owner: Owner, dir: string): string | undefined {
  const mayEnter = (folder: string): boolean => {
    const { uid, gid, mode } = statSync(folder);
    if (uid === owner.uid) return (mode & 0o100) !== 0;
    return (mode & (gid === owner.gid ? 0o010 : 0o001)) !== 0;
  };
  const way = [dir];
  for (let above = dirname(dir); above !== way[0]; above = dirname(above)) way.unshift(above);
  return way.find((folder) => !mayEnter(folder));
}
