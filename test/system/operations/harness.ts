import { readProgramConfig } from '@lakh/process';
import { run } from '../../../packages/commands/src/run.js';
import { tool } from '../../../services/lakh/src/config.js';

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
    config: () => readProgramConfig(tool, env).settings,
    stdout: async (text) => {
      stdout += text;
    },
    stderr: async (text) => {
      stderr += text;
    },
  });
  return { exitCode, stdout, stderr, json: () => JSON.parse(stdout) };
}
