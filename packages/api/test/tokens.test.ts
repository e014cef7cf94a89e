import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTokens, parseTokens, TokensFileError } from '../src/index.js';

const sum = (token: string): string => createHash('sha256').update(token).digest('hex');
const file = `# callers\n\nci:${sum('first-token')}\n  web.app:${sum('second-token')}  \n`;

describe('API tokens', () => {
  test('a token is known by the sum of it, and gives its name', () => {
    const tokens = parseTokens(file, 'tokens');
    expect(tokens.names).toEqual(['ci', 'web.app']);
    expect(tokens.verifyBearer('Bearer first-token')).toBe('ci');
    expect(tokens.verifyBearer('bearer second-token')).toBe('web.app');
  });

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer third-token',
    'Bearer first-token ',
    'Bearer  first-token',
    'Basic first-token',
    'first-token',
    `Bearer ${sum('first-token')}`,
    `Bearer ${'x'.repeat(100_000)}`,
    'Bearer first-token, Bearer first-token',
  ])('%j is no token of ours', (header) => {
    expect(parseTokens(file, 'tokens').verifyBearer(header)).toBeUndefined();
  });

  test('every bad line is named by its number, and none is quoted', () => {
    const text = `ci:${sum('a')}\nplain-token\nci:${sum('b')}\nx:${sum('a')}\ny:${sum('c').toUpperCase()}\n`;
    const attempt = () => parseTokens(text, 'tokens.txt');
    expect(attempt).toThrow(TokensFileError);
    expect(attempt).toThrow(/^tokens\.txt: line 2: .*; line 3: the name ci .*; line 4: the token of x .*; line 5: /);
    expect(attempt).not.toThrow(/plain-token/);
  });

  test('a file without tokens is a mistake, not an open door', () => {
    expect(() => parseTokens('# none yet\n', 'tokens.txt')).toThrow('tokens.txt: it holds no token');
  });

  describe('from a file', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'lakh-tokens-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    test('a warning when others may read it', () => {
      const path = join(folder, 'tokens');
      writeFileSync(path, file);
      const warnings: string[] = [];
      chmodSync(path, 0o644);
      expect(loadTokens(path, (message) => warnings.push(message)).verifyBearer('Bearer first-token')).toBe('ci');
      expect(warnings).toEqual([expect.stringContaining('mode 644')]);
      chmodSync(path, 0o600);
      loadTokens(path, (message) => warnings.push(message));
      expect(warnings).toHaveLength(1);
    });

    test('a missing file is named with the reason', () => {
      expect(() => loadTokens(join(folder, 'none'), () => {})).toThrow(/LAKH_API_TOKENS_FILE .*none.* \(ENOENT\)/);
    });
  });
});
