/**
 * One entry for every npm script: makes the clone runnable (ensure.mjs), then runs the program in this same process, so that
 * a signal to it reaches the program itself and there is no wrapper to outlive it. This file and ensure.mjs have to load in a Node
 * that is too old, to say so.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, root } from './ensure.mjs';

/** What each script runs, and what that needs (ensure.mjs). */
const programs = {
  start: { needs: 'run', file: 'services/standalone/dist/main.js' },
  stack: { needs: 'run', file: 'deploy/local/dist/main.js' },
  bench: { needs: 'run', file: 'loadtest/dist/bench.js' },
  loadtest: { needs: 'run', file: 'loadtest/dist/loadtest.js' },
  nemesis: { needs: 'develop', file: 'test/nemesis/dist/main.js' },
  faults: { needs: 'develop', file: 'test/nemesis/dist/matrix/main.js' },
  simulate: { needs: 'develop', file: 'test/simulation/dist/main.js' },
  model: { needs: 'run', file: 'scripts/model.mjs' },
  mutation: { needs: 'develop', file: 'scripts/mutation.mjs' },
  lakh: { needs: 'run', file: 'services/lakh/dist/main.js' },
  test: { needs: 'develop', file: 'scripts/test.mjs' },
  'test:long': { needs: 'develop', file: 'scripts/test.mjs' },
  'test:vitess': { needs: 'develop', file: 'scripts/test.mjs' },
  lint: { needs: 'develop', file: 'scripts/lint.mjs' },
  build: { needs: 'run' },
};

const [verb, ...args] = process.argv.slice(2);
if (!verb || !Object.keys(programs).includes(verb)) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(programs).join('|')} [ARG …]\n`);
  process.exit(2);
}

const { needs, file } = programs[verb];
ensure(needs);
if (file) {
  const program = join(root, file);
  if (!existsSync(program)) {
    process.stderr.write(`lakh: ${file} is missing after the build\n`);
    process.exit(1);
  }
  const fixed = { 'test:long': ['--long'], 'test:vitess': ['--only', 'vitess'] }[verb] ?? [];
  process.argv = [process.argv[0], program, ...fixed, ...args];
  await import(pathToFileURL(program).href);
}
