import { CodedError } from '@lakh/base';
import { listen } from '@lakh/http';
import { Registry } from 'prom-client';
import { type AdminOperation, createAdminServer } from '../src/index.js';

class ForgotError extends CodedError {
  readonly code = 'zookeeper_forgot';
}

const operations = new Map<string, AdminOperation>([
  ['look', { writes: false, run: async (argument) => ({ saw: argument }) }],
  ['raise', { writes: true, run: async (argument) => ({ raised: argument }) }],
  ['refuse', { writes: false, run: () => Promise.reject(new ForgotError('the mark is 5: see docs')) }],
  ['break', { writes: false, run: () => Promise.reject(new Error('a secret inside')) }],
]);

let url: string;
let close: () => Promise<unknown>;

beforeAll(async () => {
  const admin = createAdminServer({
    registry: new Registry(),
    lifecycle: { state: 'running' },
    checks: {},
    operations,
  });
  ({ url } = await listen(admin, { host: '127.0.0.1', port: 0 }));
  close = () => admin.drain(0);
});
afterAll(() => close());

async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}${path}`, init);
  return { status: response.status, body: await response.json() };
}

test('a read is a GET with its argument in the query', async () => {
  const argument = encodeURIComponent(JSON.stringify({ code: 'a b' }));
  expect(await ask(`/ops/look?argument=${argument}`)).toEqual({
    status: 200,
    body: { answer: { saw: { code: 'a b' } } },
  });
  expect((await ask('/ops/look')).body).toEqual({ answer: { saw: {} } });
});

test('a write is a POST of JSON, and nothing else is taken for one', async () => {
  const body = JSON.stringify({ apply: true });
  const headers = { 'content-type': 'application/json' };
  expect(await ask('/ops/raise', { method: 'POST', headers, body })).toEqual({
    status: 200,
    body: { answer: { raised: { apply: true } } },
  });
  expect((await ask('/ops/raise')).status).toBe(405);
  // What a form or a script of another site can send without asking first.
  expect((await ask('/ops/raise', { method: 'POST', headers: { 'content-type': 'text/plain' }, body })).status).toBe(
    415,
  );
  expect((await ask('/ops/raise', { method: 'POST', body: new URLSearchParams({ apply: 'true' }) })).status).toBe(415);
  expect((await ask('/ops/raise', { method: 'POST', headers, body: '{' })).status).toBe(400);
  expect((await ask('/ops/raise', { method: 'POST', headers, body: '[]' })).status).toBe(400);
  const long = JSON.stringify({ text: 'x'.repeat(1024 * 1024) });
  expect((await ask('/ops/raise', { method: 'POST', headers, body: long })).status).toBe(413);
  expect((await ask('/ops/look', { method: 'POST', headers, body })).status).toBe(405);
});

test('a refusal comes with its own words, a bug does not', async () => {
  expect(await ask('/ops/refuse')).toEqual({
    status: 503,
    body: { error: { code: 'zookeeper_forgot', message: 'the mark is 5: see docs' } },
  });
  const broken = await ask('/ops/break');
  expect(broken.status).toBe(500);
  expect(JSON.stringify(broken.body)).not.toContain('secret');
  expect((await ask('/ops/nothing')).status).toBe(404);
});
