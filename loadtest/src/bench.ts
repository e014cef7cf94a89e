/** `npm run bench -- NAME`: one of Lakh's benchmarks. See loadtest/README.md. */
import { join } from 'node:path';
import { prepareAllocate } from './bench/allocate.js';
import { prepareData } from './bench/data.js';
import type { GroupFigures } from './bench/figures.js';
import { prepareL1 } from './bench/l1.js';
import { durabilityNote, machineFacts, readPinning } from './bench/machine.js';
import { BENCH_HELP, type BenchName, type BenchOptions, parseBench } from './bench/options.js';
import { prepareRedirect } from './bench/redirect.js';
import { type BenchReport, formatReport, makeReport } from './bench/report.js';
import { measureInTurns } from './bench/rounds.js';
import type { Bench, PrepareBench } from './bench/setting.js';
import { prepareShorten } from './bench/shorten.js';
import type { TrialFigures } from './bench/trials.js';
import { prepareVitess } from './bench/vitess.js';
import { type Config, readConfig } from './config.js';
import { runMain, type Scope } from './scope.js';

const root = join(import.meta.dirname, '..', '..');
const WARM_SECONDS = 2;
const EXIT_TARGET_MISSED = 3;

const prepare: Readonly<Record<BenchName, PrepareBench>> = {
  redirect: prepareRedirect,
  shorten: prepareShorten,
  data: prepareData,
  vitess: prepareVitess,
  l1: prepareL1,
  allocate: prepareAllocate,
};

async function run(options: BenchOptions, config: Config, scope: Scope): Promise<BenchReport> {
  const dir = await scope.folder('bench', options.dir);
  const pinning = readPinning(config.path);
  const { quick, kills, ids, links, idle, only } = options;
  const wants = (id: string) => only.length === 0 || only.includes(id);
  const bench: Bench = { root, dir, config, pinning, scope, quick, kills, ids, links, idle, wants };
  const prepared = await prepare[options.bench](bench);
  const groups: GroupFigures[] = [];
  for (const group of prepared.groups.filter(({ id }) => wants(id))) {
    const plan = { rounds: options.rounds, secondsPerRound: options.seconds };
    groups.push(await measureInTurns(group, { ...plan, warmSeconds: quick ? 0 : WARM_SECONDS, atOnce: quick }));
  }
  const trials: TrialFigures[] = [];
  for (const { id, run } of prepared.trials ?? []) {
    if (wants(id)) trials.push({ id, skipped: [], ...(await run()) });
  }
  const durability = await durabilityNote(dir);
  return makeReport({
    bench: options.bench,
    quick,
    rounds: options.rounds,
    secondsPerRound: options.seconds,
    machine: machineFacts(),
    notes: [pinning.note, ...(durability ? [durability] : []), ...prepared.notes],
    groups,
    trials,
    ...(options.profile ? { profiles: await prepared.profile(options.seconds) } : {}),
  });
}

const config = readConfig();
await runMain(config.startedByNpm, async (scope) => {
  const options = parseBench(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(BENCH_HELP);
    return 0;
  }
  const report = await run(options, config, scope);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
  return options.strict && report.targets.missed > 0 ? EXIT_TARGET_MISSED : 0;
});
