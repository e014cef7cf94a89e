import { join } from 'node:path';
import { startProgram } from '@lakh/testkit';

const program = join(__dirname, '..', 'dist', 'main.js');

/** The built program, to its end. */
export const simulate = (...args: readonly string[]) => startProgram(program, args).ended;

/** Runs that many schedules over all settings, and returns how often each thing happened. Throws with the program's own words. */
export async function coverageOf(schedules: number): Promise<Record<string, number>> {
  // A failure has to be read where it happened: the seed is in the words, and so is the command that replays it.
  const { code, stdout, stderr } = await simulate('--schedules', String(schedules), '--json');
  if (code !== 0) throw new Error(`${stderr}\n${stdout}`);
  const { seed, coverage } = JSON.parse(stdout) as { seed: number; coverage: Record<string, number> };
  process.stderr.write(`simulation: seed ${seed}, ${coverage.schedules} schedules\n`);
  return coverage;
}
