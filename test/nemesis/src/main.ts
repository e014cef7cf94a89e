/** `npm run nemesis -- [OPTION …]`: faults against the whole system, and a verdict. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, exitStatusOf, UsageError, watchInterruption } from '@lakh/local';
import { readConfig } from './config.js';
import { type CommandLine, listFaults, NEMESIS_HELP, parseCommandLine } from './options.js';
import { formatResult } from './report.js';
import { runNemesis } from './run.js';

const EXIT_WRONG = 1;
const EXIT_INTERRUPTED = 130;

const report = (line: string): void => {
  process.stderr.write(`nemesis: ${line}\n`);
};

async function main(command: CommandLine): Promise<number> {
  if (command.dir !== undefined && existsSync(command.dir) && readdirSync(command.dir).length > 0) {
    throw new UsageError(`--dir ${command.dir}: must be empty; the links of another run would be nobody's in this one`);
  }
  const { settings, startedByNpm } = readConfig();
  const seed = command.seed ?? randomInt(2 ** 31);
  const dir = command.dir ?? mkdtempSync(join(tmpdir(), 'lakh-nemesis-'));
  report(`seed ${seed}, ${command.minutes} min, in ${dir}`);
  await ensurePackages(['faketime'], { settings, report }).catch((error: Error) => {
    report(`clocks will not be skewed: ${error.message}`);
  });
  const interruption = watchInterruption({ watchLauncher: startedByNpm });
  let isKept = true;
  try {
    const { minutes, only } = command;
    const result = await runNemesis({
      dir,
      root: join(import.meta.dirname, '..', '..', '..'),
      settings,
      seed,
      minutes,
      report,
      signal: interruption.stop,
      ...(only === undefined ? {} : { faults: only }),
    });
    const { verdict, leftOut } = result;
    process.stdout.write(command.json ? `${JSON.stringify({ ...verdict, leftOut }, null, 2)}\n` : formatResult(result));
    isKept = command.dir !== undefined || verdict.violations.length > 0;
    return verdict.violations.length === 0 ? 0 : EXIT_WRONG;
  } catch (error) {
    if (interruption.stop.aborted) {
      isKept = command.dir !== undefined;
      return EXIT_INTERRUPTED;
    }
    throw error;
  } finally {
    interruption.dispose();
    if (isKept) report(`the history is ${join(dir, 'history.jsonl')}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await exitStatusOf(async () => {
  const command = parseCommandLine(process.argv.slice(2));
  if (typeof command === 'object') return main(command);
  process.stdout.write(command === 'help' ? NEMESIS_HELP : listFaults());
  return 0;
}, report);
