import { readdirSync, readFileSync } from 'node:fs';

export interface SeenProcess {
  readonly pid: number;
  readonly arguments: readonly string[];
}

/** Every process with `variable` (`NAME=value`) in its environment, as /proc has it; those of other users cannot be seen. */
export function processesWith(variable: string): SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(variable)) return [];
        const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
        // A zombie has no command line any more: it is dead, and only its parent has not noticed.
        return args.length === 0 ? [] : [{ pid: Number(name), arguments: args }];
      } catch {
        return [];
      }
    });
}
