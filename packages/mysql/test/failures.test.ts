import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { assertSupported } from '../src/wire/connection.js';
import { DatabaseUnsupportedError, SqlFailure, type SqlFailureKind, storeError } from '../src/wire/errors.js';
import { Health } from '../src/wire/health.js';

const failure = (kind: SqlFailureKind, commits: boolean, errno = 0): SqlFailure =>
  new SqlFailure(kind, 'what happened', { commits, errno, serverMessage: 'and to whom' });

describe('a failed statement', () => {
  test.each([
    ['was never sent', failure('unsent', true)],
    ['was a read', failure('lost', false)],
    ['was a write inside a transaction', failure('lost', false)],
    ['was refused: duplicate key', failure('refused', true, 1062)],
    ['was refused: read-only', failure('refused', true, 1290)],
    ['was refused: read-only mode', failure('refused', true, 1836)],
    ['was refused: deadlock', failure('refused', true, 1213)],
    ['was refused: no quorum', failure('refused', true, 1047)],
    ['was a read that the server ended', failure('refused', false, 1317)],
  ])('that %s changed nothing', (_how, sqlFailure) => {
    expect(storeError(sqlFailure)).toBeInstanceOf(StoreUnavailableError);
  });

  test.each([
    ['was sent and not answered', failure('lost', true)],
    ['the server ended while it ran', failure('refused', true, 1317)],
    ['failed during its commit', failure('refused', true, 1180)],
    ['met the shutdown', failure('refused', true, 1053)],
    ['was answered with a number nobody knows', failure('refused', true, 9999)],
    ['a vtgate could not bring to its shard', failure('refused', true, 1105)],
  ])('that %s may have been applied', (_how, sqlFailure) => {
    expect(storeError(sqlFailure)).toBeInstanceOf(StoreOutcomeUnknownError);
  });

  test("does not tell the server's words, which may hold a URL", () => {
    const told = storeError(failure('refused', true, 1406)) as Error;
    expect(told.message).toContain('what happened');
    expect(told.message).not.toContain('to whom');
  });
});

describe('versions', () => {
  test.each([
    '8.4.0',
    '8.4.3-log',
    '9.1.0',
    '10.11.2-MariaDB',
    '10.11.19-MariaDB-0+deb12u1',
    '11.4.2-MariaDB-log',
    '8.0.11-TiDB-v8.5.0',
    '8.0.30-Vitess',
  ])('%s is accepted', (version) => {
    expect(() => assertSupported('db1', version, 16_777_216)).not.toThrow();
  });

  test.each(['5.7.44', '8.0.36', '8.3.0', '10.6.18-MariaDB', '10.10.7-MariaDB', '', 'unknown'])(
    '%s is refused',
    (version) => {
      expect(() => assertSupported('db1', version, 16_777_216)).toThrow(DatabaseUnsupportedError);
    },
  );

  test('a max_allowed_packet that a batch would not fit is refused', () => {
    expect(() => assertSupported('db1', '8.4.0', 65_536)).toThrow('max_allowed_packet=65536');
  });
});

describe('the breaker', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function harness(probe: () => Promise<void>) {
    const changes: [boolean, string][] = [];
    let probes = 0;
    const health = new Health({
      probe: () => {
        probes += 1;
        return probe();
      },
      changed: (available, reason) => changes.push([available, reason]),
      random: () => 1,
    });
    return { health, changes, probes: () => probes };
  }

  test('opens at the third failure in a row, and a success in between starts the count again', () => {
    const { health, changes } = harness(async () => {});
    for (const step of ['failure', 'failure', 'success', 'failure', 'failure'] as const) health[step]('gone');
    expect([health.available, health.reason]).toEqual([true, '']);
    health.failure('gone');
    expect([health.available, health.reason]).toEqual([false, 'gone']);
    expect(changes).toEqual([[false, 'gone']]);
  });

  test('probes by itself, at intervals that grow to a second, and closes at the first success', async () => {
    let away = true;
    const { health, changes, probes } = harness(async () => {
      if (away) throw new Error('still gone');
    });
    for (let i = 0; i < 3; i += 1) health.failure('gone');
    const counts: number[] = [];
    for (const ms of [100, 200, 400, 800, 1_000, 1_000]) {
      await jest.advanceTimersByTimeAsync(ms);
      counts.push(probes());
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
    expect(health.reason).toBe('still gone');
    away = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(health.available).toBe(true);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(probes()).toBe(7);
    expect(changes).toEqual([
      [false, 'gone'],
      [true, ''],
    ]);
  });

  test('stops probing once closed', async () => {
    const { health, probes } = harness(async () => {});
    for (let i = 0; i < 3; i += 1) health.failure('gone');
    health.close();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(probes()).toBe(0);
  });
});
