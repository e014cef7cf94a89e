import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LinkNotFoundError } from '@lakh/links';
import type { Follow } from '../src/follow-link.js';
import { createMissLane } from '../src/miss-lane.js';

const counted: unknown[] = [];
const failed: unknown[] = [];
let follow: Follow;
let server: Server;
let url: string;

beforeAll(async () => {
  const metrics = {
    slot: () => 0,
    record: () => {},
    observe: (route: string, status: number) => counted.push([route, status]),
  };
  const lane = createMissLane({
    follow: (...asked) => follow(...asked),
    metrics,
    onError: (error) => failed.push(error),
  });
  server = createServer((request, response) => {
    const answered = lane(request, response);
    if (answered === undefined) response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

beforeEach(() => {
  counted.length = 0;
  failed.length = 0;
  follow = async (_request, code) => ({
    status: 302,
    location: `https://example.com/${code}`,
    cacheControl: 'no-store',
  });
});

const ask = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, { redirect: 'manual', ...init });

test.each(['GET', 'HEAD'])('follows a %s of a code, and counts it', async (method) => {
  const { status, headers } = await ask('/abc-9', { method });
  expect([status, headers.get('location')]).toEqual([302, 'https://example.com/abc-9']);
  expect(counted).toEqual([['redirect', 302]]);
});

test.each([
  ['another method', '/abc', { method: 'POST' }],
  ['a query', '/abc?x=1', {}],
  ['a slash behind it', '/abc/', {}],
  ['what cannot be a code', '/abc.', {}],
  ['an escape', '/%61bc', {}],
  ['a reserved word', '/api', {}],
  ['the root', '/', {}],
])('leaves alone: %s', async (_what, path, init) => {
  expect((await ask(path, init)).status).toBe(204);
  expect(counted).toEqual([]);
});

test('answers where there is no link, and tells of what is a fault of ours', async () => {
  follow = async () => {
    throw new LinkNotFoundError('There is no link with this code.');
  };
  expect((await ask('/abc')).status).toBe(404);
  expect(failed).toEqual([]);
  follow = async () => {
    throw new Error('broken');
  };
  expect((await ask('/abc')).status).toBe(500);
  expect(failed).toHaveLength(1);
  expect(counted).toEqual([
    ['redirect', 404],
    ['redirect', 500],
  ]);
});
