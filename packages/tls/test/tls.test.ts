import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTlsFiles, tlsOptionsOf } from '../src/index.js';

const fail = (what: string): never => {
  throw new Error(what);
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-tls-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const fileOf = (name: string, text: string): string => {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
};

test('options name the files of a mode', () => {
  expect(tlsOptionsOf('verify-ca', { 'ssl-ca': '/ca', 'ssl-cert': '/cert', 'ssl-key': '/key' }, fail)).toEqual({
    mode: 'verify-ca',
    caFile: '/ca',
    client: { certFile: '/cert', keyFile: '/key' },
  });
  expect(tlsOptionsOf('required', {}, fail)).toEqual({ mode: 'required' });
});

test.each([
  ['required', { 'ssl-ca': '/ca' }, 'ssl-ca with ssl-mode=required, which checks nothing'],
  ['verify-ca', { 'ssl-cert': '/cert' }, 'one of ssl-cert and ssl-key without the other'],
  ['verify-ca', { 'ssl-key': '/key' }, 'one of ssl-cert and ssl-key without the other'],
] as const)('in mode %s, %j is refused', (mode, words, why) => {
  expect(() => tlsOptionsOf(mode, words, fail)).toThrow(why);
});

test('what cannot be used is named with its option', () => {
  const read = (caFile: string) => () => readTlsFiles({ mode: 'verify-ca', caFile }, fail);
  expect(read(join(dir, 'nonesuch'))).toThrow(/^ssl-ca: cannot read .*nonesuch \(ENOENT\)$/);
  expect(read(fileOf('empty', '\n'))).toThrow(/^ssl-ca: .*empty is empty$/);
  expect(read(fileOf('text', 'no certificate'))).toThrow(/^ssl-ca: .*text holds no certificate in PEM$/);
  const client = { certFile: fileOf('cert', 'x'), keyFile: fileOf('key', 'y') };
  expect(() => readTlsFiles({ mode: 'verify-ca', client }, fail)).toThrow(/^TLS cannot be made with .*cert, .*key: /);
  expect(readTlsFiles({ mode: 'verify-ca' }, fail)).toEqual({});
});
