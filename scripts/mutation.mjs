/**
 * `npm run mutation`: StrykerJS changes the pure rooms in every small way that it knows and asks of each change whether a unit test
 * of the same room notices. Progress on stderr; on stdout whatever lived, then one line a room. Exit 1 below the threshold.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import jestConfig from '../jest.config.mjs';
import { root, say } from './ensure.mjs';
import { giveUp, markdownTable, readOptions } from './tools.mjs';

const ROOMS = ['id-range', 'short-code', 'links'];
const LEAST_SCORE = 95;

const HELP = `usage: npm run mutation [-- OPTIONS]

Mutation testing (StrykerJS) of ${ROOMS.join(', ')} by the unit tests in each one's test folder.

  --only ROOM[/FILE]  one room, or one file of its src (may be repeated): --only links, --only links/alias
  --help              this text

What no test noticed is listed, then a table says how many changes each room's tests killed; those under which a test did not end
count as killed, and stderr names them.
Exit code: 0 if each score is at least ${LEAST_SCORE} %, 1 if not, 2 if the tests could not be run.
`;

/** Each room that is asked for, with the sources to change. */
function targets() {
  const { only = ROOMS } = readOptions('mutation', HELP, { only: { type: 'string', multiple: true } });
  const files = new Map();
  for (const name of only) {
    const [room, file] = name.split('/', 2);
    const source = `packages/${room}/src/${file === undefined ? '**/*' : file.replace(/\.ts$/, '')}.ts`;
    if (!ROOMS.includes(room)) giveUp(`no pure room is called ${room}; there are ${ROOMS.join(', ')}`);
    if (file !== undefined && !existsSync(join(root, source))) giveUp(`there is no ${source}`);
    files.set(room, [...(files.get(room) ?? []), source]);
  }
  return files;
}

let child;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = true;
    if (child) process.kill(-child.pid, signal);
  });
}

function optionsOf(room, files, scratch) {
  const {
    rootDir: _,
    displayName: __,
    ...unit
  } = jestConfig.projects.find(({ displayName }) => displayName === 'unit');
  return {
    mutate: files,
    testRunner: 'jest',
    plugins: ['@stryker-mutator/jest-runner'],
    // Stryker's own reading of the file knows one project only, so it is given that one, and the root is its sandbox.
    jest: {
      configFile: 'package.json',
      enableFindRelatedTests: false,
      config: {
        ...unit,
        roots: ['<rootDir>/packages', '<rootDir>/test/kit'],
        testMatch: [`<rootDir>/packages/${room}/test/**/*.test.ts`],
        // It measures allocation, and code that is made to count its calls allocates.
        testPathIgnorePatterns: [...unit.testPathIgnorePatterns, '/steady-state\\.test\\.ts$'],
      },
    },
    coverageAnalysis: 'perTest',
    concurrency: 2,
    // A runner that has just been started over, on a busy machine, is no endless loop.
    timeoutMS: 20_000,
    // A name that does not exist: Stryker cannot read the API of TypeScript 7.
    tsconfigFile: 'none.json',
    disableTypeChecks: false,
    ignorePatterns: ['dist', '/docs', '/data', '/.stack'],
    tempDirName: join(scratch, 'sandbox'),
    cleanTempDir: 'always',
    reporters: ['progress-append-only', 'json'],
    jsonReporter: { fileName: join(scratch, 'report.json') },
    allowConsoleColors: false,
  };
}

/** Every mutant of the room, with its file. */
async function mutantsOf(room, files) {
  const scratch = mkdtempSync(join(tmpdir(), 'lakh-mutation-'));
  try {
    const options = optionsOf(room, files, scratch);
    const optionsFile = join(scratch, 'stryker.json');
    writeFileSync(optionsFile, JSON.stringify(options));
    const stryker = join(root, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
    const exit = await new Promise((resolve, reject) => {
      // stdout is for the answer. A group of its own, because an interrupted Stryker leaves its workers behind.
      child = spawn(process.execPath, [stryker, 'run', optionsFile], {
        cwd: root,
        stdio: ['ignore', 2, 2],
        detached: true,
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        child = undefined;
        resolve(signal ?? code);
      });
    });
    if (interrupted) throw new Error('interrupted');
    if (exit !== 0) throw new Error(`${room}: Stryker ended with ${exit}`);
    const report = JSON.parse(readFileSync(options.jsonReporter.fileName, 'utf8'));
    return Object.entries(report.files).flatMap(([file, { source, mutants }]) =>
      mutants.map((mutant) => ({ ...mutant, file, original: textAt(source, mutant.location) })),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function textAt(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return lines.join('\n');
}

const oneLine = (text) => text.replace(/\s+/g, ' ').slice(0, 120);

/** How a change lived; what is not listed here was killed, or could not be made. */
const LIVED = { Survived: 'noticed by no test', NoCoverage: 'reached by no test', Timeout: 'a test did not end' };

function tell({ file, location, status, mutatorName, original, replacement }) {
  if (!Object.hasOwn(LIVED, status)) return;
  const { line, column } = location.start;
  const stream = status === 'Timeout' ? process.stderr : process.stdout;
  stream.write(
    `${file}:${line}:${column} ${mutatorName}, ${LIVED[status]}\n  - ${oneLine(original)}\n  + ${oneLine(replacement)}\n`,
  );
}

function count(mutants) {
  const of = (wanted) => mutants.filter(({ status }) => status === wanted).length;
  const [killed, timedOut, survived, unreached] = ['Killed', 'Timeout', 'Survived', 'NoCoverage'].map(of);
  const noticed = killed + timedOut;
  const all = noticed + survived + unreached;
  return { killed, timedOut, survived, unreached, score: all === 0 ? 100 : (100 * noticed) / all };
}

// It takes long: whatever else runs here goes first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const rows = [['room', 'killed', 'timed out', 'survived', 'no coverage', 'score']];
for (const [room, files] of targets()) {
  const startedMs = performance.now();
  say(`${room} …`);
  const mutants = await mutantsOf(room, files).catch((error) => giveUp(error.message));
  const { killed, timedOut, survived, unreached, score } = count(mutants);
  say(`${room} took ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  mutants.forEach(tell);
  rows.push([room, ...[killed, timedOut, survived, unreached].map(String), `${score.toFixed(1)} %`]);
  if (score < LEAST_SCORE) process.exitCode = 1;
}
process.stdout.write(markdownTable(rows));
