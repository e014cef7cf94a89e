/**
 * One entry for every npm script: makes the clone runnable (ensure.mjs), then runs the program in this same process, so that
 * a signal to it reaches the program itself and there is no wrapper to outlive it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, root } from './ensure.mjs';

const programs = {
  start: 'services/standalone/dist/main.js',
  stack: 'deploy/local/dist/main.js',
  bench: 'loadtest/dist/bench.js',
  loadtest: 'loadtest/dist/loadtest.js',
  nemesis: 'test/nemesis/dist/main.js',
  simulate: 'test/simulation/dist/main.js',
  model: 'scripts/model.mjs',
  mutation: 'scripts/mutation.mjs',
  lakh: 'services/lakh/dist/main.js',
  test: 'scripts/test.mjs',
  'test:long': 'scripts/test.mjs',
  lint: 'scripts/lint.mjs',
  build: undefined,
};

const [verb, ...args] = process.argv.slice(2);
if (!verb || !Object.hasOwn(programs, verb)) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(programs).join('|')} [ARG …]\n`);
  process.exit(2);
}

ensure();
const program = programs[verb];
if (program) {
  const file = join(root, program);
  if (!existsSync(file)) {
    process.stderr.write(`lakh: ${program} is missing after the build\n`);
    process.exit(1);
  }
  process.argv = [process.argv[0], file, ...(verb === 'test:long' ? ['--long', ...args] : args)];
  await import(pathToFileURL(file).href);
}
