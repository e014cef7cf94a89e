import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { follow, tailOf } from '../src/cli/logs';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-logs-'));
  file = join(dir, 'a.log');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the end of a log', () => {
  test.each([
    ['', 3, ''],
    ['a\n', 3, 'a\n'],
    ['a\nb\nc\n', 2, 'b\nc\n'],
    ['a\nb\nc', 2, 'b\nc'],
    ['a\nb\nc\n', 3, 'a\nb\nc\n'],
    ['a\nb\nc\n', 0, ''],
    ['\n\n\n', 2, '\n\n'],
    ['x', 1, 'x'],
  ])('of %j, %i lines: %j', (content, lines, expected) => {
    writeFileSync(file, content);
    expect(tailOf(file, lines)).toEqual({ text: expected, endBytes: content.length });
  });

  test('is found across chunks', () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index} ${'x'.repeat(index % 97)} é`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    expect(tailOf(file, 4_000).text).toBe(`${lines.slice(-4_000).join('\n')}\n`);
  });
});

test('following gives what is added, and starts over when the log becomes shorter', async () => {
  writeFileSync(file, 'old\n');
  const stop = new AbortController();
  let seen = '';
  const appended = new Promise<void>((resolve, reject) => {
    follow(
      file,
      4,
      (data) => {
        seen += data.toString();
        if (seen === 'new\n') writeFileSync(file, 'x\n');
        if (seen === 'new\nx\n') stop.abort();
      },
      stop.signal,
    ).then(resolve, reject);
  });
  appendFileSync(file, 'new\n');
  await appended;
  expect(seen).toBe('new\nx\n');
});
