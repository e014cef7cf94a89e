import { type AddressInfo, createServer } from 'node:net';
import { parseRedisUrl, RedisConnection } from '../src/index.js';

const server = createServer((socket) => socket.on('error', () => {}).end('-NOAUTH Authentication required.\r\n'));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => void server.close());

test.each([
  ['refuses', () => (server.address() as AddressInfo).port, 'NOAUTH'],
  ['is not there', () => 1, 'ECONNREFUSED'],
])('a Redis that %s from the start is told of, with the error', async (_how, port, error) => {
  const told: [string, unknown][] = [];
  const log = {
    info: () => {},
    warn: ({ err }: { err?: unknown }, message: string) => void told.push([message, String(err)]),
  };
  const redis = new RedisConnection({ target: parseRedisUrl(`redis://127.0.0.1:${port()}`), log });
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await redis.close();
  expect(told).toEqual([['redis is not asked', expect.stringContaining(error)]]);
});
