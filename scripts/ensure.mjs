/**
 * Makes a bare clone runnable: installs when node_modules is missing, older than the lock file or short of what is needed, builds
 * when a source changed. Everything it says goes to stderr. A warm pass costs a few tens of milliseconds: hashes of sizes and times, no compiler.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(fileURLToPath(import.meta.url), '..', '..');
export const cache = join(root, 'node_modules', '.cache', 'lakh');
/** npm's own list of what it installed. */
const installed = join(root, 'node_modules', '.package-lock.json');

/**
 * What a program may need: `run` is the servers and the tools beside them, with their compiler; `develop` is that and everything
 * that tests, the formatter and the programs below test/ use.
 *
 * @type {Record<string, {install: string, build: string[]}>}
 */
export const kinds = {
  run: { install: '--omit=dev', build: ['.'] },
  develop: { install: '--include=dev', build: ['.', 'test'] },
};

/** Progress goes to stderr: stdout is for answers. */
export const say = (text) => process.stderr.write(`lakh: ${text}\n`);

function run(command, args, why) {
  const started = Date.now();
  say(why);
  // stdout is the caller's answer; what installers and compilers print is progress.
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.error) throw new Error(`${command} could not be run: ${result.error.message}`);
  if (result.status !== 0) {
    say(`failed: ${command} ${args.join(' ')} (exit ${result.status ?? result.signal})`);
    process.exit(1);
  }
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Does what `make` does unless `key` is what it was after the last time; a time that was cut short does not count. */
function keep(name, key, make) {
  const stamp = join(cache, name);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key()) return;
  rmSync(stamp, { force: true });
  make();
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, key());
}

/** What an install depends on: the lock file, every manifest, this platform and Node's major version. */
function installKey() {
  const hash = createHash('sha256').update(
    `${process.platform} ${process.arch} ${process.versions.node.split('.')[0]}\n`,
  );
  for (const file of ['package-lock.json', 'package.json', ...workspaces().map((dir) => join(dir, 'package.json'))]) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function workspaces() {
  const { workspaces: patterns } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return patterns
    .flatMap((pattern) =>
      pattern.endsWith('/*')
        ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => join(pattern.slice(0, -2), name))
        : [pattern],
    )
    .filter((dir) => existsSync(join(root, dir, 'package.json')))
    .sort();
}

/** Whether the tests' packages are there, whoever installed them. */
function isForDevelopment() {
  return (
    existsSync(installed) && Object.values(JSON.parse(readFileSync(installed, 'utf8')).packages).some((p) => p.dev)
  );
}

/** What a build depends on: path, size and time of each source, and whether each project's output is there. */
function buildKey(kind) {
  const hash = createHash('sha256');
  const visit = (dir) => {
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) visit(path);
      else {
        const { size, mtimeMs } = statSync(join(root, path));
        hash.update(`${path} ${size} ${mtimeMs}\n`);
      }
    }
  };
  for (const dir of workspaces().filter((dir) => kind === 'develop' || !dir.startsWith('test/'))) {
    hash.update(readFileSync(join(root, dir, 'tsconfig.json')));
    hash.update(String(existsSync(join(root, dir, 'dist'))));
    visit(join(dir, 'src'));
  }
  return hash.update(readFileSync(join(root, 'tsconfig.base.json'))).digest('hex');
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(`Node.js ${process.versions.node} is too old: 20.19 or later is needed`);
  process.exit(1);
}

function install(kind) {
  // `npm ci` empties node_modules first, maybe under a server that runs from it; what is there already is brought up to date instead.
  const command = existsSync(installed) ? ['install', '--no-save'] : ['ci'];
  const flags = [kinds[kind].install, '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', [...command, ...flags], kind === 'run' ? 'installing what it runs on …' : 'installing dependencies …');
}

function build(kind) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [compiler, '-b', ...kinds[kind].build], 'building …');
}

/**
 * After this what `need` names is installed and built. A clone that has the tests' packages keeps them. Exits 1, with the reason on
 * stderr, when it cannot be done.
 *
 * @param {'run' | 'develop'} need
 */
export function ensure(need) {
  checkNode();
  const kind = isForDevelopment() ? 'develop' : need;
  const lock = installKey();
  keep(
    'installed',
    () => `${kind} ${lock}`,
    () => install(kind),
  );
  keep(
    'built',
    () => buildKey(kind),
    () => build(kind),
  );
}
