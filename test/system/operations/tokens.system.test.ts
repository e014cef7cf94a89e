import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, create } from '../support/http.js';
import { startStandalone } from '../support/standalone.js';
import { lakh } from './harness.js';

jest.setTimeout(60_000);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-tokens-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('tokens are made, used by their rights and taken away, beside a server that runs on', async () => {
  const env = { LAKH_API_TOKENS_FILE: join(dir, 'tokens.txt') };
  const add = async (...argv: string[]) => (await lakh(env, 'token', 'add', ...argv)).stdout.trim();
  const admin = await add('admin');
  const server = await startStandalone({ env });
  try {
    const { port } = server;
    const by = (token: string) => ({ authorization: `Bearer ${token}` });
    const made = await create(port, { long_url: 'https://example.com/' }, by(admin));
    const path = `/api/v1/urls/${made.json().code}`;
    expect(made.status).toBe(201);

    const reader = await add('reader', '--rights', 'read');
    const look = () => ask(port, path, { headers: by(reader) });
    while ((await look()).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await create(port, { long_url: 'https://example.com/' }, by(reader))).status).toBe(403);
    expect((await ask(port, path, { method: 'DELETE', headers: by(reader) })).status).toBe(403);
    expect((await ask(port, path)).status).toBe(401);

    expect((await lakh(env, 'token', 'list')).stdout).toBe('admin: create, read, edit, delete\nreader: read\n');
    expect((await lakh(env, 'token', 'revoke', 'reader')).exitCode).toBe(0);
    while ((await look()).status !== 401) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await ask(port, path, { method: 'DELETE', headers: by(admin) })).status).toBe(204);
    expect(server.stderr()).not.toContain('can be read or written by others');
    for (const token of [admin, reader]) expect(server.stderr()).not.toContain(token);
  } finally {
    await server.stop();
  }
});

test('a token is shown once, in the form that is asked for, and what cannot be is said', async () => {
  const env = { LAKH_API_TOKENS_FILE: join(dir, 'tokens.txt') };
  expect((await lakh(env, 'token', 'list', '--json')).json()).toEqual([]);
  const { exitCode, stderr, json } = await lakh(env, 'token', 'add', 'ci', '--rights', 'delete,create', '--json');
  expect([exitCode, stderr]).toEqual([0, `lakh: this is ${env.LAKH_API_TOKENS_FILE}\n`]);
  expect(json()).toEqual({
    name: 'ci',
    rights: ['create', 'delete'],
    token: expect.stringMatching(/^lakh_[\w-]{43}$/),
  });
  expect(statSync(env.LAKH_API_TOKENS_FILE).mode & 0o777).toBe(0o600);
  for (const [argv, code, words] of [
    [['token', 'add', 'ci'], 1, 'the name ci is there already'],
    [['token', 'add', 'x', '--rights', 'write'], 2, '--rights takes some of create,read,edit,delete'],
    [['token', 'revoke', 'x'], 1, 'no token of the name x'],
    [['token', 'add'], 2, '<name> is missing'],
    [['token'], 2, 'unknown command: token'],
  ] as const) {
    const ran = await lakh(env, ...argv);
    expect([argv, ran.exitCode, ran.stderr]).toEqual([argv, code, expect.stringContaining(words)]);
  }
  const nowhere = await lakh({}, 'token', 'list');
  expect([nowhere.exitCode, nowhere.stderr]).toEqual([2, expect.stringContaining('LAKH_API_TOKENS_FILE is required')]);
});
