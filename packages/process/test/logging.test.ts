import { createLogger } from '../src/index.js';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  write(createLogger({ program: 'shorten', serverId: 's1', level: 'info', privateNames: ['sealedKeys'], stream }));
  return lines.map((line) => JSON.parse(line));
}

describe('log lines', () => {
  test('are JSON with time, level by name, program and server', () => {
    const [line] = logged((log) => log.info({ rangeSize: 5 }, 'leased'));
    expect(line).toMatchObject({ level: 'info', program: 'shorten', serverId: 's1', rangeSize: 5, msg: 'leased' });
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test('below the level are not written', () => {
    expect(logged((log) => log.debug('quiet'))).toEqual([]);
  });

  test('never hold a target URL or a token under any of its usual names', () => {
    const lines = logged((log) => {
      log.info({
        longUrl: 'https://private',
        token: 'private',
        request: { url: '/private', authorization: 'private' },
        settings: { sealedKeys: 'private' },
      });
      log.child({ link: { long_url: 'https://private' } }).warn('x');
    });
    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toContain('https://private');
    expect(JSON.stringify(lines)).not.toMatch(/:"\/?private"/);
  });

  test('of a driver’s error leave out the statement and its values, and keep what it was caused by', () => {
    const cause = Object.assign(new Error('deadlock'), { code: 'ER_LOCK_DEADLOCK', sql: "INSERT 'https://private'" });
    const [line] = logged((log) => log.error({ err: new Error('not stored', { cause }) }, 'failed'));
    expect(JSON.stringify(line)).not.toContain('https://private');
    expect(line?.err).toMatchObject({
      message: 'not stored',
      cause: { message: 'deadlock', code: 'ER_LOCK_DEADLOCK' },
    });
  });
});
