/**
 * Makes a bare clone runnable: installs when node_modules is missing or older than the lock file, builds when a source
 * changed. Everything it says goes to stderr. A warm pass costs a few tens of milliseconds: hashes of sizes and times, no compiler.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules', '.cache', 'lakh');

const say = (text) => process.stderr.write(`lakh: ${text}\n`);

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

function stampMatches(name, value) {
  const file = join(cache, name);
  return existsSync(file) && readFileSync(file, 'utf8') === value;
}

function writeStamp(name, value) {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, name), value);
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

/** What a build depends on: path, size and time of each source, and whether each project's output is there. */
function buildKey() {
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
  for (const dir of workspaces()) {
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

/** After this the workspace is installed and built. Exits 1, with the reason on stderr, when it cannot be. */
export function ensure() {
  checkNode();
  const wantInstall = installKey();
  if (!stampMatches('installed', wantInstall)) {
    // Not `npm ci`: it refuses a lock file that does not list every platform's optional binaries. `--no-save` installs the
    // locked versions too, adds the binary of a platform that the lock file lacks, and writes nothing.
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], 'installing dependencies …');
    writeStamp('installed', wantInstall);
  }
  if (!stampMatches('built', buildKey())) {
    rmSync(join(cache, 'built'), { force: true });
    run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], 'building …');
    writeStamp('built', buildKey());
  }
}
