import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Link, tokenHolder } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { until } from '@lakh/testkit';
import { accessPolicy, addToken, auditClaims, auditDeletes, revokeToken } from '../src/index.js';

const lines: unknown[] = [];
const errors: unknown[] = [];
const log = {
  info: (...line: unknown[]) => lines.push(line),
  warn: () => {},
  error: (...line: unknown[]) => errors.push(line),
} as unknown as Logger;

beforeEach(() => {
  lines.length = 0;
});

describe('who may do what', () => {
  test.each([
    [{}, ['create', 'read', 'edit', 'delete']],
    [{ publicUrl: 'http://localhost:9000' }, ['create', 'read', 'edit', 'delete']],
    [{ open: true }, ['create', 'read']],
    [{ listen: { host: '0.0.0.0', port: 0 } }, ['create', 'read']],
    [{ publicUrl: 'https://lakh.example' }, ['create', 'read']],
    [{ trustedProxies: ['127.0.0.1/32'] }, ['create', 'read']],
    [{ hosts: ['lakh.svc'] }, ['create', 'read']],
  ])('without tokens, with %j, anyone may %j, and is one and the same', (settings, rights) => {
    const alone = { apiTokensFile: undefined, apiKeys: false, open: false, listen: { host: '127.0.0.1', port: 0 } };
    const { identify, needsToken } = accessPolicy({ ...alone, ...settings }, log);
    expect(identify(undefined)).toEqual({ kind: 'anonymous', name: '', rights, owner: '' });
    expect(identify('Bearer anything')).toBe(identify(undefined));
    expect(needsToken).toBe(false);
  });

  const withToken = (open: boolean) => {
    const dir = mkdtempSync(join(tmpdir(), 'lakh-tokens-'));
    const sum = createHash('sha256').update('secret').digest('hex');
    writeFileSync(join(dir, 'tokens'), `ci:${sum}\n`, { mode: 0o600 });
    const policy = accessPolicy(
      { apiTokensFile: join(dir, 'tokens'), apiKeys: false, open, listen: { host: '127.0.0.1', port: 0 } },
      log,
    );
    policy.close();
    rmSync(dir, { recursive: true });
    return policy;
  };

  test('open, with tokens: anyone creates, and deletes need one; a wrong one is never taken for none', () => {
    const { identify, needsToken } = withToken(true);
    expect(identify(undefined)).toEqual({ kind: 'anonymous', name: '', rights: ['create', 'read'], owner: '' });
    expect(identify(undefined, 'create')).toBe(identify(undefined));
    expect(identify(undefined, 'delete')).toBeUndefined();
    expect(identify('Bearer secret', 'delete')).toEqual(tokenHolder('ci'));
    expect(['', 'Bearer other'].map((authorization) => identify(authorization))).toEqual([undefined, undefined]);
    expect(needsToken).toBe(false);
  });

  test('with tokens, only who has one, by its name', () => {
    const { identify, needsToken } = withToken(false);
    expect(identify('Bearer secret')).toEqual(tokenHolder('ci'));
    expect(identify('Bearer secret')).toBe(identify('bearer secret'));
    expect([undefined, '', 'Bearer ', 'Bearer other', 'Basic secret'].map((each) => identify(each))).toEqual(
      Array(5).fill(undefined),
    );
    expect(needsToken).toBe(true);
  });

  test('tokens that come and go are known without a restart; a file that is no good changes nothing', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'lakh-tokens-')), 'tokens');
    const first = addToken(file, 'first', ['read']);
    const local = { open: false, listen: { host: '127.0.0.1', port: 0 } };
    const { identify, close } = accessPolicy({ apiTokensFile: file, apiKeys: false, ...local }, log);
    const second = addToken(file, 'second', ['delete']);
    await until(() => identify(`Bearer ${second}`) !== undefined);
    expect(identify(`Bearer ${second}`)).toEqual(tokenHolder('second', ['delete']));
    const good = readFileSync(file);
    writeFileSync(file, 'nonsense');
    await until(() => errors.length > 0);
    expect(identify(`Bearer ${first}`)?.name).toBe('first');
    writeFileSync(file, good);
    revokeToken(file, 'first');
    await until(() => identify(`Bearer ${first}`) === undefined);
    // Of all that there were: nobody has one, and nobody is taken for one that needs none.
    revokeToken(file, 'second');
    await until(() => identify(`Bearer ${second}`) === undefined);
    expect(identify(undefined)).toBeUndefined();
    close();
    expect(() => accessPolicy({ apiTokensFile: file, apiKeys: false, ...local }, log)).toThrow('it holds no token');
    rmSync(dirname(file), { recursive: true });
  }, 20_000);
});

test('the log says who deleted which link', () => {
  auditDeletes(log)({ state: 'deleted', domainId: 0, code: 'Q0u', version: 2 }, tokenHolder('ci'));
  const actor = { kind: 'token', name: 'ci' };
  expect(lines).toEqual([[{ domainId: 0, code: 'Q0u', version: 2, actor }, 'link deleted']]);
});

test('the log says who claimed which alias, and when', () => {
  const link = { domainId: 0, code: 'crore', longUrl: 'https://example.com/', createdAtMs: 1_795_000_000_000 } as Link;
  auditClaims(log)({ link, created: true, replayed: false }, tokenHolder('ci'));
  const claimed = {
    domainId: 0,
    code: 'crore',
    createdAt: '2026-11-18T11:06:40.000Z',
    actor: { kind: 'token', name: 'ci' },
  };
  expect(lines).toEqual([[claimed, 'alias claimed']]);
  auditClaims(log)({ link, created: true, replayed: true }, tokenHolder('ci'));
  expect(lines[1]).toEqual([{ ...claimed, replayed: true }, 'alias claimed']);
});
