import { CodedError } from '@lakh/base';
import { createLogger } from '../src/index.js';

function textOf(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  const common = { program: 'shorten', serverId: 's1', level: 'info', isForPeople: true } as const;
  write(createLogger({ ...common, stream }));
  return lines.join('');
}

class FullError extends CodedError {
  readonly code = 'disk_full';
}

describe('log lines for people', () => {
  test('say when, how bad, what, and with which values; not what is the same in all of them', () => {
    const values = { address: 'http://127.0.0.1:8081', why: 'two words', checks: { ids: 1 }, settings: { a: 1 } };
    expect(textOf((log) => log.info(values, 'is open'))).toMatch(
      /^\d\d:\d\d:\d\d info {2}is open address=http:\/\/127\.0\.0\.1:8081 why="two words" checks=\{"ids":1\}\n$/,
    );
  });

  test('tell an error with a code in a sentence, with what it was caused by, and any other with its stack', () => {
    const coded = new FullError('the disk is full', {
      cause: Object.assign(new Error('no space'), { code: 'ENOSPC' }),
    });
    expect(textOf((log) => log.fatal({ err: coded }, 'the start failed'))).toMatch(
      /^\S+ fatal the start failed: the disk is full \(disk_full\)\n {2}because: no space \(ENOSPC\)\n$/,
    );
    expect(textOf((log) => log.error({ err: new TypeError('a bug') }, 'failed'))).toMatch(
      /^\S+ error failed: TypeError: a bug\n\s+at /,
    );
  });

  test('hold nothing private, and nothing that steers a terminal', () => {
    const text = textOf((log) => {
      log.warn(
        { token: 'private', request: { url: 'private' }, sent: '\u001b[2J\u009b' },
        'odd \u001b]0;x\u0007 \u202e',
      );
    });
    expect([...'\u001b\u0007\u009b\u202e'].filter((character) => text.includes(character))).toEqual([]);
    expect(text).not.toContain('private"');
    expect(text).toContain('token=[private]');
  });
});
