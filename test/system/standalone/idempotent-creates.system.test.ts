import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { create } from '../support/http.js';
import { type Standalone, startStandalone } from '../support/standalone.js';

// Creates with idempotency keys through kill -9, as programs send them that try again until they are answered.
jest.setTimeout(60_000);

const KILLS = 2;
const CALLERS = 32;
/** Answers between a start and the kill after it. */
const ANSWERS_MIN = 100;

const dir = mkdtempSync(join(tmpdir(), 'lakh-idempotent-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Key {
  readonly key: string;
  readonly longUrl: string;
  /** Of every 201. */
  readonly codes: Set<string>;
}

/** Asks until the server is gone, or `count` keys are used up; resolves with how often it was answered. */
async function use(server: Standalone, next: () => Key | undefined, answered: () => void): Promise<void> {
  for (let key = next(); key !== undefined; key = next()) {
    const answer = await create(server.port, { long_url: key.longUrl }, { 'idempotency-key': `"${key.key}"` }).catch(
      () => undefined,
    );
    if (answer === undefined) return;
    expect([201, 503]).toContain(answer.status);
    if (answer.status === 201) key.codes.add(answer.json().code as string);
    answered();
  }
}

test('a create that is sent again after a kill -9 makes no second link', async () => {
  const keys: Key[] = [];
  const newKey = (): Key => {
    const n = keys.length;
    const key = { key: `key-${n}`, longUrl: `https://example.com/${n}`, codes: new Set<string>() };
    keys.push(key);
    return key;
  };
  for (let kill = 0; kill < KILLS; kill += 1) {
    const server = await startStandalone({ dataDir: dir });
    let answers = 0;
    const callers = Array.from({ length: CALLERS }, () =>
      use(server, newKey, () => {
        answers += 1;
        if (answers === ANSWERS_MIN + 7 * kill) server.child.kill('SIGKILL');
      }),
    );
    await Promise.all(callers);
    await server.ended;
  }
  expect(keys.filter(({ codes }) => codes.size === 0).length).toBeGreaterThan(KILLS);

  const server = await startStandalone({ dataDir: dir });
  const waiting = [...keys];
  await Promise.all(
    Array.from({ length: CALLERS }, () =>
      use(
        server,
        () => waiting.pop(),
        () => {},
      ),
    ),
  );
  expect((await server.stop()).code).toBe(0);
  expect(keys.filter(({ codes }) => codes.size !== 1)).toEqual([]);
  const db = new Database(join(dir, 'lakh.db'));
  const rows = db.prepare('SELECT code, long_url FROM links ORDER BY code').all() as {
    code: string;
    long_url: string;
  }[];
  db.close();
  const told = keys.map(({ codes, longUrl }) => ({ code: [...codes][0], long_url: longUrl }));
  expect(rows).toEqual(told.sort((a, b) => ((a.code as string) < (b.code as string) ? -1 : 1)));
});
