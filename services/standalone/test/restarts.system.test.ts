import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { ask, create } from './support/http.js';
import { startStandalone } from './support/standalone.js';

jest.setTimeout(60_000);

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
      [100_000 + count, 200_000, 'released'],
      [200_000, 300_000, 'released'],
    ],
  });
});
