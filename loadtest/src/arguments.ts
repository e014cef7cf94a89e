/** A wrong command line; the program prints it with a hint at `--help` and exits 2. */
export class UsageError extends Error {}

/** Throws a {@link UsageError} that names the argument. */
export function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^[1-9]\d*$/.test(text) || value > max) {
    throw new UsageError(`${name} ${text}: must be a whole number from 1 to ${max}`);
  }
  return value;
}
