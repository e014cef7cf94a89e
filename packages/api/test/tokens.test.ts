import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenHolder } from '@lakh/links';
import { addToken, listTokens, loadTokens, parseTokens, revokeToken, TokensFileError } from '../src/index.js';

const sum = (token: string): string => createHash('sha256').update(token).digest('hex');
const file = `# callers\n\nci:${sum('first-token')}\n  web.app:${sum('second-token')}  \n`;

describe('API tokens', () => {
  test('a token is known by the sum of it, and gives its name', () => {
    const tokens = parseTokens(file, 'tokens');
    expect(tokens.holders).toEqual([tokenHolder('ci'), tokenHolder('web.app')]);
    expect(tokens.verifyBearer('Bearer first-token')).toBe(tokens.holders[0]);
    expect(tokens.verifyBearer('bearer second-token')).toBe(tokens.holders[1]);
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

  test('a line may name rights; one without has all', () => {
    const lines = ['delete,edit,create,read', 'read', 'delete,create'].map(
      (rights, i) => `t${i}:${sum(`t${i}`)}:${rights}`,
    );
    expect(parseTokens(lines.join('\n'), 'tokens').holders.map(({ rights }) => rights)).toEqual([
      ['create', 'read', 'edit', 'delete'],
      ['read'],
      ['create', 'delete'],
    ]);
    for (const rights of ['', 'write', 'read,', 'read;delete', 'Read', 'constructor']) {
      expect(() => parseTokens(`t:${sum('t')}:${rights}`, 'tokens')).toThrow(/^tokens: line 1: expected name:sha256/);
    }
  });

  test('a file without tokens is nobody’s, not an open door', () => {
    expect(parseTokens('# none yet\n', 'tokens.txt').verifyBearer('Bearer first-token')).toBeUndefined();
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
      expect(loadTokens(path, (message) => warnings.push(message)).verifyBearer('Bearer first-token')?.name).toBe('ci');
      expect(warnings).toEqual([expect.stringContaining('mode 644')]);
      chmodSync(path, 0o600);
      loadTokens(path, (message) => warnings.push(message));
      expect(warnings).toHaveLength(1);
    });

    test('a token is added and taken out again, and the file is its owner’s alone from its first moment', () => {
      const path = join(folder, 'tokens');
      expect(listTokens(path)).toEqual([]);
      const token = addToken(path, 'ci', ['create', 'read', 'edit', 'delete']);
      expect(token).toMatch(/^lakh_[\w-]{43}$/);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, 'utf8')).toBe(`ci:${sum(token)}:create,read,edit,delete\n`);
      const reader = addToken(path, 'reader', ['read']);
      expect(loadTokens(path, () => {}).verifyBearer(`Bearer ${reader}`)).toEqual(tokenHolder('reader', ['read']));
      expect(() => addToken(path, 'ci', ['read'])).toThrow(
        /tokens[^ ]*: the name ci is there already: revoke it first/,
      );
      revokeToken(path, 'ci');
      expect(listTokens(path)).toEqual([tokenHolder('reader', ['read'])]);
      expect(() => revokeToken(path, 'ci')).toThrow(/no token of the name ci/);
      revokeToken(path, 'reader');
      expect(listTokens(path)).toEqual([]);
      expect(readdirSync(folder)).toEqual(['tokens']);
    });

    test('comments, lines without an end and links to the file stay; a file that others may read becomes its owner’s', () => {
      const [path, link] = [join(folder, 'tokens'), join(folder, 'link')];
      writeFileSync(path, `# callers\nold:${sum('old')}`, { mode: 0o644 });
      symlinkSync(path, link);
      addToken(link, 'new', ['read']);
      expect(readFileSync(path, 'utf8')).toMatch(/^# callers\nold:[0-9a-f]{64}\nnew:[0-9a-f]{64}:read\n$/);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      revokeToken(path, 'old');
      expect(readFileSync(path, 'utf8')).toMatch(/^# callers\nnew:/);
    });

    test('a file that is no good, or that another command is at, is left as it is', () => {
      const path = join(folder, 'tokens');
      writeFileSync(path, 'nonsense\n', { mode: 0o600 });
      expect(() => addToken(path, 'ci', ['read'])).toThrow(/line 1/);
      expect(() => addToken(join(folder, 'no', 'tokens'), 'ci', ['read'])).toThrow(/ENOENT/);
      expect(readdirSync(folder)).toEqual(['tokens']);
      writeFileSync(path, file);
      expect(() => addToken(path, 'a b', ['read'])).toThrow(/line 5/);
      writeFileSync(`${path}.new`, '');
      expect(() => addToken(path, 'x', ['read'])).toThrow(/tokens\.new is there: another command is at it/);
      expect(readFileSync(path, 'utf8')).toBe(file);
    });

    test('a missing file is named with the reason', () => {
      expect(() => loadTokens(join(folder, 'none'), () => {})).toThrow(
        /LAKH_API_TOKENS_FILE .*none" \(ENOENT\): `lakh token add` makes it$/,
      );
    });
  });
});
