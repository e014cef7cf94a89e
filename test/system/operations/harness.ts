import { loadSettings } from '@lakh/settings';
import { run } from '../../../packages/commands/src/run.js';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of what was printed with `--json`. */
  readonly json: <T = Record<string, unknown>>() => T;
}

/** Runs `lakh` in this process, with this environment alone. */
export async function lakh(env: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const exitCode = await run({
    argv,
    config: () => loadSettings(env, 'tool'),
    stdout: async (text) => {
      stdout += text;
    },
    stderr: async (text) => {
      stderr += text;
    },
  });
  return { exitCode, stdout, stderr, json: () => JSON.parse(stdout) };
}
