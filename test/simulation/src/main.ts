/** `npm run simulate -- [OPTION …]`: schedules of faults over simulated witnesses, and a verdict. */
import { randomInt } from 'node:crypto';
import { exitStatusOf } from '@lakh/local';
import { type CommandLine, listChoices, parseCommandLine, SIMULATION_HELP } from './options.js';
import { formatResult, replayCommand } from './report.js';
import { run } from './run.js';

const EXIT_FOUND = 1;
const REPORT_EVERY_MS = 5_000;

const report = (line: string): void => {
  process.stderr.write(`simulate: ${line}\n`);
};

async function main(command: CommandLine): Promise<number> {
  const seed = command.seed ?? randomInt(2 ** 31);
  report(`seed ${seed}`);
  let reportedMs = performance.now();
  const result = await run({
    ...command,
    seed,
    progress: (schedules) => {
      if (performance.now() - reportedMs < REPORT_EVERY_MS) return;
      reportedMs = performance.now();
      report(`${schedules} of ${command.schedules} schedules`);
    },
  });
  const { coverage, failure } = result;
  if (command.json) {
    const found = failure && { ...failure, replay: replayCommand(failure) };
    process.stdout.write(
      `${JSON.stringify({ seed, failure: found, coverage: Object.fromEntries(coverage.counts) })}\n`,
    );
  } else process.stdout.write(formatResult(result, seed));
  return failure === undefined ? 0 : EXIT_FOUND;
}

process.exitCode = await exitStatusOf(async () => {
  const command = parseCommandLine(process.argv.slice(2));
  if (typeof command === 'object') return main(command);
  process.stdout.write(command === 'help' ? SIMULATION_HELP : listChoices());
  return 0;
}, report);
