import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { ask, create } from '../support/http.js';
import { runStandalone, startStandalone } from '../support/standalone.js';

jest.setTimeout(240_000);

const RESTARTS = 20;
const CREATES = 3;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'lakh-restarts-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

/** Counters of the generated links, in order, and the ledger's rows. */
function stored(): { readonly counters: number[]; readonly leases: unknown[] } {
  const db = new Database(join(dataDir, 'lakh.db'), { readonly: true });
  try {
    return {
      counters: (db.prepare('SELECT counter FROM links ORDER BY counter').raw().all() as number[][]).flat(),
      leases: db.prepare('SELECT range_start, range_end, state FROM leases ORDER BY range_start').raw().all(),
    };
  } finally {
    db.close();
  }
}

test(`${RESTARTS} clean restarts go on where the one before stopped: no gap in the counters, and no range but the first two`, async () => {
  for (let restart = 0; restart <= RESTARTS; restart += 1) {
    const server = await startStandalone({ dataDir });
    for (let i = 0; i < CREATES; i += 1) {
      expect((await create(server.port, { long_url: `https://example.com/${restart}/${i}` })).status).toBe(201);
    }
    if (restart > 0) {
      await server.logged(/remainder claimed[\s\S]*remainder claimed/);
      const { text } = await ask(Number(new URL(server.adminUrl).port), '/metrics');
      expect(text).toContain('lakh_remainders_claimed_total{outcome="claimed"} 2\n');
      expect(text).toContain('lakh_ranges_leased_total 0\n');
    } else {
      await server.logged(/range leased[\s\S]*range leased/);
    }
    expect((await server.stop()).code).toBe(0);
  }
  const count = CREATES * (RESTARTS + 1);
  expect(stored()).toEqual({
    counters: Array.from({ length: count }, (_, i) => 100_000 + i),
    // What each process issued is its own row.
    leases: [
      ...Array.from({ length: RESTARTS + 1 }, (_, i) => [100_000 + CREATES * i, 100_000 + CREATES * (i + 1), 'leased']),
      [100_000 + count, 101_000, 'released'],
      [101_000, 102_000, 'released'],
    ],
  });
});

test('a further sealed key may start where nothing is leased, and nowhere below; codes from before still redirect', async () => {
  const keys = (startOfB: number): Record<string, string> => ({
    LAKH_CODEC: 'sealed',
    LAKH_SEALED_KEYS: `A:${'2b7e1516'.repeat(4)}:100000 B:${'ef4359d8'.repeat(4)}:${startOfB}`,
  });
  const [keyA = ''] = (keys(0).LAKH_SEALED_KEYS ?? '').split(' ');
  const first = await startStandalone({ dataDir, env: { LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: keyA } });
  const before = await create(first.port, { long_url: 'https://example.com/before' });
  await first.logged(/range leased[\s\S]*range leased/);
  expect((await first.stop()).code).toBe(0);

  const refused = await runStandalone([], {
    LAKH_LISTEN: '127.0.0.1:0',
    LAKH_ADMIN_LISTEN: '127.0.0.1:0',
    LAKH_DATA_DIR: dataDir,
    ...keys(101_999),
  });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('the new key B must start at 102000 or later');
  expect(refused.stderr).not.toMatch(/2b7e1516|ef4359d8/);

  const second = await startStandalone({ dataDir, env: keys(102_000) });
  const after = await create(second.port, { long_url: 'https://example.com/after' });
  const codes = [before, after].map(({ text }) => (JSON.parse(text) as { code: string }).code);
  // What was given back at the stop is issued first, under its own key.
  expect(codes.map((code) => code.charAt(0))).toEqual(['A', 'A']);
  for (const code of codes) expect((await ask(second.port, `/${code}`)).status).toBe(301);
  expect((await second.stop()).code).toBe(0);
});
