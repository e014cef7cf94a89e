import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisProcess } from '@lakh/process';
import { SampleLinks } from '@lakh/testkit';
import Database from 'libsql';
import { type Backend, DataDirInUseError, dataFileIn, openFile } from '../src/index.js';
import { describeBackend } from './describe-backend.js';

const dirs: string[] = [];
function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-file-'));
  dirs.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});

const openIn = (dataDir: string, namespace = 'links'): Backend => openFile({ settings: { dataDir, namespace } });

describeBackend('a file', async () => {
  const dir = newDir();
  let backend = openIn(dir);
  return {
    backend: () => backend,
    another: async () => backend,
    async dropHead() {
      await backend.close();
      const db = new Database(dataFileIn(dir));
      db.exec("DELETE FROM ledger_heads WHERE namespace = 'links'");
      db.close();
      backend = openIn(dir);
    },
    dispose: () => backend.close(),
  };
});

test('a file is one process’s alone, shares no cache, and needs no preparation', async () => {
  const dir = newDir();
  const backend = openIn(dir);
  await backend.prepare(new AbortController().signal);
  expect(backend).toMatchObject({ name: join(dir, 'lakh.db'), cache: undefined, counters: undefined, checks: {} });
  expect(() => openIn(dir)).toThrow(DataDirInUseError);
  await backend.relay()();
  await backend.close();
  expect(existsSync(`${dataFileIn(dir)}-wal`)).toBe(false);
});

test('whoever runs on a file is who was registered here, and a repair waits for its leases', async () => {
  const backend = openIn(newDir());
  expect(await backend.admin()).toMatchObject({ settleMs: 0 });
  const unregister = backend.register('server-1', { url: 'http://127.0.0.1:1', rangeSize: 100 });
  const { runningServers, settleMs } = await backend.admin();
  expect(settleMs).toBeGreaterThan(0);
  expect(await runningServers()).toEqual([thisProcess('server-1')]);
  unregister();
  expect(await runningServers()).toEqual([]);
  await backend.close();
});

test('to operators of another namespace than the links’, no counter became a link', async () => {
  const dir = newDir();
  const links = openIn(dir);
  await links.facts.recordOnce('links_namespace', 'links');
  await links.links.insert(new SampleLinks().generated({ counter: 100_000 }));
  expect(await (await links.admin()).counters.highest()).toBe(100_000);
  await links.close();
  const invoices = openIn(dir, 'invoices');
  expect(await (await invoices.admin()).counters.highest()).toBe(0);
  await invoices.close();
});
