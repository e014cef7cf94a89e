/** `npm run nemesis -- [OPTION …]`: faults against the whole system, and a verdict. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, watchInterruption } from '@lakh/local';
import { SettingsError } from '@lakh/settings';
import { readConfig } from './config.js';
import { type CommandLine, listFaults, NEMESIS_HELP, parseCommandLine, UsageError } from './options.js';
import { formatResult } from './report.js';
import { runNemesis } from './run.js';

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
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

try {
  const command = parseCommandLine(process.argv.slice(2));
  if (command === 'help') process.stdout.write(NEMESIS_HELP);
  else if (command === 'list') process.stdout.write(listFaults());
  else process.exitCode = await main(command);
} catch (error) {
  const isUsage = error instanceof UsageError;
  const isSettings = error instanceof SettingsError;
  report(isUsage ? `${error.message} (try --help)` : isSettings ? error.message : String(error));
  process.exitCode = isUsage || isSettings ? EXIT_USAGE : EXIT_WRONG;
}
