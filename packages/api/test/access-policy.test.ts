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
    ['127.0.0.1', ['create', 'delete']],
    ['0.0.0.0', ['create']],
  ])('without tokens, anyone who reaches %s may %j, and is one and the same', (host, rights) => {
    const { identify, needsToken } = accessPolicy({ apiTokensFile: undefined, listen: { host, port: 0 } }, log);
    expect(identify(undefined)).toEqual({ kind: 'anonymous', name: '', rights });
    expect(identify('Bearer anything')).toBe(identify(undefined));
    expect(needsToken).toBe(false);
  });

  test('with tokens, only who has one, by its name', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lakh-tokens-'));
    const sum = createHash('sha256').update('secret').digest('hex');
    writeFileSync(join(dir, 'tokens'), `ci:${sum}\n`, { mode: 0o600 });
    const settings = { apiTokensFile: join(dir, 'tokens'), listen: { host: '127.0.0.1', port: 0 } };
    const { identify, needsToken } = accessPolicy(settings, log);
    rmSync(dir, { recursive: true });
    expect(identify('Bearer secret')).toEqual(tokenHolder('ci'));
    expect(identify('Bearer secret')).toBe(identify('bearer secret'));
    expect([undefined, '', 'Bearer ', 'Bearer other', 'Basic secret'].map(identify)).toEqual(Array(5).fill(undefined));
    expect(needsToken).toBe(true);
  });
});

test('the log says who deleted which link', () => {
  auditDeletes(log)({ state: 'deleted', domainId: 0, code: 'Q0u', version: 2 }, tokenHolder('ci'));
  const actor = { kind: 'token', name: 'ci' };
  expect(lines).toEqual([[{ domainId: 0, code: 'Q0u', version: 2, actor }, 'link deleted']]);
});
