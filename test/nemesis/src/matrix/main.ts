/** `npm run faults -- [OPTION …]`: the fault matrix. */
import { randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitStatusOf, watchInterruption } from '@lakh/local';
import { readConfig } from '../config.js';
import { listMatrix, MATRIX_HELP, type MatrixCommand, parseMatrixCommand } from './matrix-options.js';
import { runMatrix } from './run-matrix.js';
import { formatMatrix } from './table.js';

const EXIT_WRONG = 1;
const EXIT_INTERRUPTED = 130;

const report = (line: string): void => {
  process.stderr.write(`faults: ${line}\n`);
};

async function main({ faults, seed = randomInt(2 ** 31), dir: given }: MatrixCommand): Promise<number> {
  const { settings, startedByNpm } = readConfig();
  const dir = given ?? mkdtempSync(join(tmpdir(), 'lakh-faults-'));
  // Servers that run as users of their own pass through it; the stack's folders in it are closed.
  if (given === undefined) chmodSync(dir, 0o711);
  report(`seed ${seed}, ${faults.length} faults, in ${dir}`);
  const interruption = watchInterruption({ watchLauncher: startedByNpm });
  const root = join(import.meta.dirname, '..', '..', '..', '..');
  try {
    const matrix = await runMatrix({ dir, root, settings, faults, seed, report, signal: interruption.stop });
    process.stdout.write(formatMatrix(matrix));
    return matrix.rows.every(({ violations }) => violations.length === 0) ? 0 : EXIT_WRONG;
  } catch (error) {
    if (interruption.stop.aborted) return EXIT_INTERRUPTED;
    throw error;
  } finally {
    interruption.dispose();
    if (given === undefined) rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await exitStatusOf(async () => {
  const command = parseMatrixCommand(process.argv.slice(2));
  if (typeof command === 'object') return main(command);
  process.stdout.write(command === 'help' ? MATRIX_HELP : listMatrix());
  return 0;
}, report);
