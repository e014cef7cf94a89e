/**
 * `npm test [-- --only unit|beside|real|system|load] [-- jest arguments]`. Runs the jest projects one after another, adds up their counts and
 * ends with the line `N passed, N failed[, N skipped]`. Suites that mostly wait for their servers run three at a time, real and system in one
 * run, so that none waits for the last of the others; those that load the machine themselves have it alone, but for the simulation, which has
 * at the lowest priority what all of them leave of it.
 * `npm run test:long` runs the projects that take longer than the daily pass allows, `npm run test:vitess` what is shown through Vitess: where
 * there is none, nor a Go that builds it, it says so and exits 77.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './ensure.mjs';

const args = process.argv.slice(2);
const long = args.includes('--long');
const onlyAt = args.indexOf('--only');
const only = onlyAt >= 0 ? args[onlyAt + 1] : undefined;
const phases = [
  { projects: ['lint'] },
  // No clock hurries it, so it takes what the others leave of the cores.
  { projects: ['beside'], jest: ['--runInBand'], beside: true },
  { projects: ['unit'], jest: ['--maxWorkers=2'] },
  { projects: ['real', 'system'], jest: ['--maxWorkers=3'], servers: true },
  { projects: ['load'], jest: ['--runInBand'], servers: true },
  { projects: ['long'], jest: ['--runInBand'], servers: true },
  { projects: ['vitess'], jest: ['--runInBand'], servers: true, onRequest: true },
]
  .filter((phase) =>
    only ? phase.projects.includes(only) : !phase.onRequest && phase.projects.includes('long') === long,
  )
  .map((phase) => (only ? { ...phase, projects: [only] } : phase));
const passThrough = args.filter((arg, i) => arg !== '--long' && (onlyAt < 0 || (i !== onlyAt && i !== onlyAt + 1)));

if (phases.length === 0) {
  process.stderr.write(`lakh: no such test project: ${only}\n`);
  process.exit(2);
}

const SKIPPED = 77;
if (only === 'vitess') {
  const { findVitess, readSettings } = await import(
    pathToFileURL(join(root, 'deploy', 'local', 'dist', 'index.js')).href
  );
  const found = await findVitess(readSettings(), (line) => process.stderr.write(`lakh: ${line}\n`));
  if ('missing' in found) {
    process.stderr.write(`lakh: skipped: ${found.missing}\n`);
    process.exit(SKIPPED);
  }
}

const temporary = mkdtempSync(join(tmpdir(), 'lakh-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}

function runNode(file, argv, isBeside = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...argv], { cwd: root, stdio: ['ignore', 2, 2] });
    children.add(child);
    child.once('error', reject);
    if (isBeside) child.once('spawn', () => setPriority(child.pid, constants.priority.PRIORITY_LOW));
    child.once('exit', (code, signal) => {
      children.delete(child);
      resolve(signal ?? code);
    });
  });
}

function count(resultFile, exit, name) {
  if (!existsSync(resultFile)) {
    process.stderr.write(`lakh: the ${name} tests ended without a result (exit ${exit})\n`);
    total.failed += 1;
    return;
  }
  const result = JSON.parse(readFileSync(resultFile, 'utf8'));
  total.passed += result.numPassedTests;
  total.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
  total.skipped += result.numPendingTests + result.numTodoTests;
  // A worker that dies, or a handle that outlives its test, fails the pass even where every test passed.
  if (exit !== 0 && result.numFailedTests + result.numRuntimeErrorTestSuites === 0) total.failed += 1;
}

async function run({ projects, jest, servers, beside }) {
  const started = Date.now();
  const name = projects.join(' and ');
  process.stderr.write(`\nlakh: ${name} …\n`);
  if (name === 'lint') {
    const ok = (await runNode(join(root, 'scripts', 'lint.mjs'), [])) === 0;
    total[ok ? 'passed' : 'failed'] += 1;
  } else {
    if (servers) {
      const { ensurePackages } = await import(pathToFileURL(join(root, 'deploy', 'local', 'dist', 'index.js')).href);
      await ensurePackages(['zookeeper', 'mariadb', 'redis', 'nginx', 'chromium']);
      // Whose tests are left out, and say so, where it cannot be had.
      const wanted = long ? ['mariadb-backup', 'galera'] : [];
      await ensurePackages(wanted).catch((error) => process.stderr.write(`lakh: ${error.message}\n`));
    }
    const resultFile = join(temporary, `${projects.join('-')}.json`);
    // Paths first: --selectProjects takes every word that follows it.
    const argv = [
      ...passThrough,
      '--selectProjects',
      ...projects,
      '--json',
      `--outputFile=${resultFile}`,
      '--passWithNoTests',
      ...jest,
    ];
    const file = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    const exit = await runNode(file, argv, beside);
    count(resultFile, exit, name);
  }
  process.stderr.write(`lakh: ${name} took ${Math.round((Date.now() - started) / 1000)} s\n`);
}

try {
  let beside;
  for (const phase of phases) {
    const running = run(phase);
    if (phase.beside) beside = running;
    else await running;
  }
  await beside;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
