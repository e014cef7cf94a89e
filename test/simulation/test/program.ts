import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const program = join(__dirname, '..', 'dist', 'main.js');

export interface Answer {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built program, to its end. */
export async function simulate(...args: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, ...said };
}

/** Runs that many schedules over all settings, and returns how often each thing happened. Throws with the program's own words. */
export async function coverageOf(schedules: number): Promise<Record<string, number>> {
  // A failure has to be read where it happened: the seed is in the words, and so is the command that replays it.
  const { exit, out, err } = await simulate('--schedules', String(schedules), '--json');
  if (exit !== 0) throw new Error(`${err}\n${out}`);
  const { seed, coverage } = JSON.parse(out) as { seed: number; coverage: Record<string, number> };
  process.stderr.write(`simulation: seed ${seed}, ${coverage.schedules} schedules\n`);
  return coverage;
}
