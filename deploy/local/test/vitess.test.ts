import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstallSettings } from '../src/config';
import { findVitess, isNewEnough, VITESS_PROGRAMS } from '../src/vitess/binaries';
import { halvesOf } from '../src/vitess/ranges';

describe('finding Vitess', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'lakh-find-vitess-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const settings = (more: Partial<InstallSettings> = {}): InstallSettings => ({
    installAllowed: true,
    searchPath: [],
    vitess: undefined,
    environment: { XDG_CACHE_HOME: join(dir, 'cache') },
    ...more,
  });
  const program = (name: string, text = '#!/bin/sh\n') => writeFileSync(join(dir, name), text, { mode: 0o755 });
  const find = (more?: Partial<InstallSettings>) => findVitess(settings(more), () => {});

  test('LAKH_VITESS names a folder that has all of its programs, or is refused with what it lacks', async () => {
    for (const name of VITESS_PROGRAMS.slice(1)) program(name);
    await expect(find({ vitess: dir })).rejects.toThrow(`LAKH_VITESS=${dir}: vtgate cannot be run from there`);
    program('vtgate');
    expect(await find({ vitess: dir })).toEqual({ dir });
  });

  test('a folder of the PATH that has all of them will do', async () => {
    for (const name of VITESS_PROGRAMS) program(name);
    expect(await find({ searchPath: ['/nowhere', dir] })).toEqual({ dir });
  });

  test('without it, and without a Go that can build it, what to do is said', async () => {
    expect(await find()).toEqual({ missing: expect.stringMatching(/^no Vitess here: install Vitess .* LAKH_VITESS/) });
    program('go', '#!/bin/sh\necho go version go1.22.1 linux/amd64\n');
    expect(await find({ searchPath: [dir] })).toEqual({ missing: expect.stringContaining('Go is older than needed') });
    program('go', '#!/bin/sh\necho go version go1.99.0 linux/amd64\n');
    expect(await find({ searchPath: [dir], installAllowed: false })).toEqual({
      missing: expect.stringContaining('LAKH_INSTALL=false forbids building it'),
    });
  });

  test.each([
    ['go version go1.26.8 linux/amd64', true],
    ['go version go1.26.10 linux/amd64', true],
    ['go version go1.27 linux/amd64', true],
    ['go version go2.0.1 linux/amd64', true],
    ['go version go1.26.7 linux/amd64', false],
    ['go version go1.26 linux/amd64', false],
    ['go version go1.3.9 linux/amd64', false],
    ['command not found', false],
    [undefined, false],
  ])('%s: %p', (said, isEnough) => {
    expect(isNewEnough(said)).toBe(isEnough);
  });
});

describe('ranges of shards', () => {
  test.each([
    ['-', ['-80', '80-']],
    ['-80', ['-40', '40-80']],
    ['80-', ['80-c0', 'c0-']],
    ['40-80', ['40-60', '60-80']],
    ['fe-', ['fe-ff', 'ff-']],
    ['-02', ['-01', '01-02']],
  ])('%s in two: %p', (range, halves) => {
    expect(halvesOf(range)).toEqual(halves);
  });

  test.each(['ff-', '-01', '3f-40'])('%s is one bucket, and stays whole', (range) => {
    expect(() => halvesOf(range)).toThrow(`${range} is one bucket`);
  });
});
