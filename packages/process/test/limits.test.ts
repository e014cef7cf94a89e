import type { IncomingMessage } from 'node:http';
import { createClientKeys } from '@lakh/http';
import { refusalLog } from '../src/limits.js';

const request = (remoteAddress: string, headers = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

function open(trustedProxies: readonly string[] = []) {
  const lines: object[] = [];
  const time = { nowMs: 5 };
  const log = { warn: (fields: object) => lines.push(fields) };
  const told = refusalLog(log as never, createClientKeys(trustedProxies), () => time.nowMs);
  return { lines, time, told };
}

test('the first refusal by a limit is told at once, and then one line a minute with how many there were', () => {
  const { lines, time, told } = open();
  for (let i = 0; i < 1000; i += 1) told('misses', request('192.0.2.1'));
  told('changes', request('192.0.2.2'));
  time.nowMs += 59_999;
  told('misses', request('192.0.2.3'));
  time.nowMs += 1;
  told('misses', request('192.0.2.4'));
  expect(lines).toEqual([
    { limit: 'misses', refused: 1, client: '192.0.2.1' },
    { limit: 'changes', refused: 1, client: '192.0.2.2' },
    { limit: 'misses', refused: 1001, client: '192.0.2.4' },
  ]);
});

test('a proxy that is not believed, so that all its clients are one, is told of', () => {
  const forwarded = request('10.0.0.1', { 'x-forwarded-for': '192.0.2.1' });
  const unknown = open();
  unknown.told('misses', forwarded);
  expect(unknown.lines).toEqual([
    { limit: 'misses', refused: 1, client: '10.0.0.1', hint: expect.stringContaining('LAKH_TRUSTED_PROXIES') },
  ]);
  const known = open(['10.0.0.0/8']);
  known.told('misses', forwarded);
  expect(known.lines).toEqual([{ limit: 'misses', refused: 1, client: '192.0.2.1' }]);
});
