import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createClientKeys } from '../src/clients';
import { PlainRequest } from '../src/wire/plain-request';
import { type Recognised, recognise } from '../src/wire/recogniser';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const REQUESTS = 2_000;
/** Beside keys, addresses and the map. */
const MOST_KEPT_BYTES_EACH = 1_000;

test('what is kept of a client does not hold the request that it was read from', () => {
  const keyOf = createClientKeys(['127.0.0.0/8']);
  const socket = { remoteAddress: '127.0.0.1' } as Socket;
  const ask = (i: number) => {
    const head = `GET /abc?${'a'.repeat(7_000)} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 2001:db8:aaaa:${i.toString(16)}::1\r\n\r\n`;
    return keyOf(new PlainRequest(recognise(Buffer.from(head)) as Recognised, socket));
  };
  ask(REQUESTS);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < REQUESTS; i += 1) expect(ask(i)).toBe(`2001:db8:aaaa:${i.toString(16)}::/64`);
  collect();
  expect((process.memoryUsage().heapUsed - before) / REQUESTS).toBeLessThan(MOST_KEPT_BYTES_EACH);
  // Known again, so that none has been forgotten.
  expect(ask(0)).toBe('2001:db8:aaaa:0::/64');
});
