import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@lakh/base';
import { type Door, type Operation, openOperations, readDoor } from '../src/index.js';

class ForgotError extends CodedError {
  readonly code = 'zookeeper_forgot';
}

const operations = new Map<string, Operation>([
  ['raise', async (argument) => ({ raised: argument })],
  ['refuse', () => Promise.reject(new ForgotError('the mark is 5: see docs'))],
  ['break', () => Promise.reject(new Error('a secret inside'))],
]);
const broken: unknown[] = [];

let dir: string;
let file: string;
let door: Door;
let close: () => Promise<void>;

beforeAll(async () => {
  // Longer than the name of a socket may be.
  dir = mkdtempSync(join(tmpdir(), `lakh-${'long-'.repeat(30)}`));
  file = join(dir, 'operations.json');
  close = await openOperations({ operations, door: file, onError: (error) => broken.push(error) });
  door = readDoor(file) as Door;
});
afterAll(async () => {
  await close();
  expect(existsSync(file)).toBe(false);
  rmSync(dir, { recursive: true, force: true });
});

async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${door.url}${path}`, init);
  return { status: response.status, body: await response.json() };
}

const withToken = (headers: Readonly<Record<string, string>> = {}) => ({
  authorization: `Bearer ${door.token}`,
  'content-type': 'application/json',
  ...headers,
});

test('the door is its owner’s alone, and leads to loopback', () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(new URL(door.url).hostname).toBe('127.0.0.1');
  expect(readFileSync(file, 'utf8')).toContain(door.token);
  expect(door.token).toMatch(/^[\w-]{43}$/);
});

test('nobody is answered without its token', async () => {
  const body = '{"apply":true}';
  for (const authorization of ['', 'Bearer', `Bearer ${door.token}x`, `Basic ${door.token}`, door.token]) {
    const { status } = await ask('/raise', { method: 'POST', body, headers: withToken({ authorization }) });
    expect([authorization, status]).toEqual([authorization, 401]);
  }
  expect((await ask('/raise', { method: 'POST', body })).status).toBe(401);
  expect((await ask('/nothing')).status).toBe(401);
});

test('an operation is a POST of a JSON object, and nothing else is taken for one', async () => {
  const headers = withToken();
  const raise = (body: string, more = {}) => ask('/raise', { method: 'POST', headers: { ...headers, ...more }, body });
  expect(await raise('{"apply":true}')).toEqual({ status: 200, body: { answer: { raised: { apply: true } } } });
  expect((await ask('/raise', { headers })).status).toBe(405);
  expect((await raise('{}', { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await raise('{')).status).toBe(400);
  expect((await raise('[]')).status).toBe(400);
  expect((await raise(JSON.stringify({ text: 'x'.repeat(1024 * 1024) }))).status).toBe(413);
  expect((await ask('/nothing', { method: 'POST', headers, body: '{}' })).status).toBe(404);
});

test('a refusal comes with its own words, a bug does not', async () => {
  const init = { method: 'POST', headers: withToken(), body: '{}' };
  expect(await ask('/refuse', init)).toEqual({
    status: 503,
    body: { error: { code: 'zookeeper_forgot', message: 'the mark is 5: see docs' } },
  });
  const answer = await ask('/break', init);
  expect(answer.status).toBe(500);
  expect(JSON.stringify(answer.body)).not.toContain('secret');
  expect(broken).toEqual([expect.objectContaining({ message: 'a secret inside' })]);
});

test('a door that is missing, or is something else, is none', () => {
  expect(readDoor(join(dir, 'none'))).toBeUndefined();
  for (const text of ['', '{', '{"url":"http://127.0.0.1:1"}']) {
    writeFileSync(join(dir, 'other'), text);
    expect(readDoor(join(dir, 'other'))).toBeUndefined();
  }
});
