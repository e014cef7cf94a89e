import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenHolder } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { accessPolicy, auditDeletes } from '../src/index.js';

const lines: unknown[] = [];
const log = { info: (...line: unknown[]) => lines.push(line), warn: () => {} } as unknown as Logger;

beforeEach(() => {
  lines.length = 0;
});

describe('who may do what', () => {
  test.each([
    [{}, ['create', 'delete']],
    [{ publicUrl: 'http://localhost:9000' }, ['create', 'delete']],
    [{ open: true }, ['create']],
    [{ listen: { host: '0.0.0.0', port: 0 } }, ['create']],
    [{ publicUrl: 'https://lakh.example' }, ['create']],
    [{ trustedProxies: ['127.0.0.1/32'] }, ['create']],
    [{ hosts: ['lakh.svc'] }, ['create']],
  ])('without tokens, with %j, anyone may %j, and is one and the same', (settings, rights) => {
    const alone = { apiTokensFile: undefined, open: false, listen: { host: '127.0.0.1', port: 0 } };
    const { identify, needsToken } = accessPolicy({ ...alone, ...settings }, log);
    expect(identify(undefined)).toEqual({ kind: 'anonymous', name: '', rights });
    expect(identify('Bearer anything')).toBe(identify(undefined));
    expect(needsToken).toBe(false);
  });

  const withToken = (open: boolean) => {
    const dir = mkdtempSync(join(tmpdir(), 'lakh-tokens-'));
    const sum = createHash('sha256').update('secret').digest('hex');
    writeFileSync(join(dir, 'tokens'), `ci:${sum}\n`, { mode: 0o600 });
    const policy = accessPolicy(
      { apiTokensFile: join(dir, 'tokens'), open, listen: { host: '127.0.0.1', port: 0 } },
      log,
    );
    rmSync(dir, { recursive: true });
    return policy;
  };

  test('open, with tokens: anyone creates, and deletes need one; a wrong one is never taken for none', () => {
    const { identify, needsToken } = withToken(true);
    expect(identify(undefined)).toEqual({ kind: 'anonymous', name: '', rights: ['create'] });
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
});

test('the log says who deleted which link', () => {
  auditDeletes(log)({ state: 'deleted', domainId: 0, code: 'Q0u', version: 2 }, tokenHolder('ci'));
  const actor = { kind: 'token', name: 'ci' };
  expect(lines).toEqual([[{ domainId: 0, code: 'Q0u', version: 2, actor }, 'link deleted']]);
});
