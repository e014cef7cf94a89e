/** How programs beside the servers read their arguments and end: the stack, benchmarks, load tests, nemesis, simulation. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { usageReason } from '@lakh/process';
import { SettingsError } from '@lakh/settings';
import { UsageError } from '../errors.js';

/** An option with a value. */
export const TEXT = { type: 'string' } as const;
/** An option without one: false unless it is there. */
export const FLAG = { type: 'boolean', default: false } as const;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Throws {@link UsageError} for an option that is not among `options`, or that lacks its value. */
export function parseOptions<O extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: O,
): ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: O }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(usageReason(error));
  }
}

/** Throws {@link UsageError} that names the option. */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${name} ${text}: must be a whole number from ${least} to ${most}`);
}

/** The exit status of `main`, or of what it throws, which is reported: 2 for wrong arguments and settings, 1 for anything else. */
export async function exitStatusOf(main: () => Promise<number>, report: (line: string) => void): Promise<number> {
  try {
    return await main();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    report(isUsage ? `${message} (try --help)` : message);
    return isUsage || error instanceof SettingsError ? EXIT_USAGE : EXIT_FAILED;
  }
}
