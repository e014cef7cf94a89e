import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lakh } from '../operations/harness.js';
import { create } from '../support/http.js';
import { runStandalone, type Standalone, startStandalone } from '../support/standalone.js';

jest.setTimeout(120_000);

const CALLERS = 8;
const COPIES = 6;
/** So that leases, and with them checkpoints, are under way at every copy. */
const ENV = { LAKH_RANGE_SIZE: '20' };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-copies-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function createOne(port: number, url: string): Promise<string> {
  const { status, text } = await create(port, { long_url: url });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return (JSON.parse(text) as { code: string }).code;
}

/** Creates from several callers until told to stop; resolves with every code. */
function load({ port }: Standalone): { readonly codes: Set<string>; stop(): Promise<void> } {
  const codes = new Set<string>();
  let isOver = false;
  const caller = async (): Promise<void> => {
    for (let n = 0; !isOver; n += 1) codes.add(await createOne(port, `https://example.com/${n}`));
  };
  const callers = Promise.all(Array.from({ length: CALLERS }, caller));
  return {
    codes,
    async stop() {
      isOver = true;
      await callers;
    },
  };
}

/** As `cp` does it: one file after the other, whatever happens to them meanwhile. */
function copy(from: string, to: string, files: readonly string[]): string {
  const folder = mkdtempSync(join(dir, to));
  for (const name of files) writeFileSync(join(folder, name), readFileSync(join(from, name)));
  return folder;
}

test('copies of the folder of a server under load start only after a restore, and repeat none of its codes', async () => {
  const dataDir = join(dir, 'data');
  const server = await startStandalone({ dataDir, env: ENV });
  const { codes, stop } = load(server);
  const folders: string[] = [];
  for (let n = 0; n < COPIES; n += 1) {
    while (codes.size < 60 * (n + 1)) await new Promise((resolve) => setTimeout(resolve, 5));
    const files = [['lakh.db'], ['lakh.db', 'lakh.db-wal'], ['lakh.db-wal', 'lakh.db']][n % 3] as string[];
    folders.push(copy(dataDir, 'copy-', files));
  }
  await stop();
  server.child.kill('SIGKILL');
  await server.ended;

  let restored = 0;
  for (const folder of folders) {
    const env = { LAKH_LISTEN: '127.0.0.1:0', LAKH_ADMIN_LISTEN: '127.0.0.1:0', LAKH_DATA_DIR: folder };
    const refused = await runStandalone([], env);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('restore_needed')]);
    const restore = await lakh({ LAKH_DATA_DIR: folder, LAKH_ADMIN_LISTEN: '127.0.0.1:1' }, 'restore');
    if (restore.exitCode !== 0) {
      // What was torn may be beyond repair.
      expect(restore.stderr).toContain('data_file_invalid');
      continue;
    }
    restored += 1;
    const another = await startStandalone({ dataDir: folder, env: ENV });
    for (let n = 0; n < 25; n += 1) {
      const code = await createOne(another.port, `https://example.org/${n}`);
      expect([code, codes.has(code)]).toEqual([code, false]);
    }
    expect((await another.stop()).code).toBe(0);
  }
  expect(restored).toBeGreaterThanOrEqual(COPIES / 3);

  // The original was killed, and goes on as it is.
  const again = await startStandalone({ dataDir, env: ENV });
  const code = await createOne(again.port, 'https://example.org/');
  expect([code, codes.has(code)]).toEqual([code, false]);
  expect((await again.stop()).code).toBe(0);
});
