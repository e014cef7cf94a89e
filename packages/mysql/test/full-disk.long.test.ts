import { statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLakhDatabase, freePorts, launch, mariadbPlan } from '@lakh/local';
import { migrate, openDatabase } from '../src/index.js';
import { eventually } from './database.js';
import { openMembers, sample } from './members.js';
import { mountDisk, type SmallDisk } from './small-disk.js';

const LONG_URL = `https://example.com/${'x'.repeat(2_000)}`;
const AT_ONCE = 50;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

/** A server on a disk of its own, that has just been made. */
async function setUp() {
  const dir = await mkdtemp(join(tmpdir(), 'lakh-full-disk-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  await mkdir(join(dir, 'mysql1'));
  const disk: SmallDisk = mountDisk(join(dir, 'mysql1'), 110);
  cleanups.push(() => disk.unmount());
  const [port = 0] = await freePorts(1);
  const plan = mariadbPlan({ name: 'mysql1', dir: join(dir, 'mysql1'), port });
  const server = await launch(plan);
  cleanups.push(() => server.stop());
  await createLakhDatabase(plan, { password: 'app', migratePassword: 'migrate' });
  const member = { host: '127.0.0.1', port, database: 'lakh' };
  const migrator = openDatabase({ members: [{ ...member, user: 'lakh_migrate', password: 'migrate' }] });
  await migrate(migrator);
  migrator.close();
  const it = openMembers([{ ...member, user: 'lakh', password: 'app' }], 3_000);
  cleanups.push(() => it.database.close());
  const grow = () =>
    Promise.allSettled(
      Array.from({ length: AT_ONCE }, () => it.store.insert({ ...sample.generated(), longUrl: LONG_URL })),
    );
  return { it, disk, grow, sizeOf: (file: string) => statSync(join(dir, 'mysql1', 'data', 'lakh', file)).size };
}

(process.getuid?.() === 0 ? test : test.skip)(
  'where no more links find room no proof does: what was refused once is refused at once, until there is room',
  async () => {
    const { it, disk, grow, sizeOf } = await setUp();
    // Below a megabyte MariaDB itself would end in what follows.
    expect(sizeOf('links.ibd')).toBeGreaterThan(1_000_000);
    disk.fill();
    await eventually(async () => (await grow()) && it.database.writeRefusal !== '', 60_000);
    expect(it.database.writeRefusal).toContain('1114');
    // A proof that found room in spite of it would be followed by another refused link, and another. For a moment it may: what was refused is still undone.
    let sinceMs = performance.now();
    await eventually(async () => {
      if (it.database.writeRefusal === '') sinceMs = performance.now();
      await grow();
      return performance.now() - sinceMs > 4_000;
    }, 30_000);
    disk.free();
    await eventually(() => it.database.writeRefusal === '', 10_000);
    expect((await grow()).every(({ status }) => status === 'fulfilled')).toBe(true);
  },
  180_000,
);
