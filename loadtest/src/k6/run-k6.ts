import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import type { Scope } from '../scope.js';
import type { K6Summary } from './summary.js';

export interface K6Run {
  readonly file: string;
  /** The scenario's file. */
  readonly script: string;
  readonly url: string;
  readonly token: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly loadSeconds: number;
  /** An empty folder for k6's own files. */
  readonly dir: string;
}

/** k6's own exit status when a threshold was crossed. */
export const EXIT_THRESHOLD = 99;

/** For making links beforehand, ending what is under way, and the summary. */
const AROUND_SECONDS = 180;
const STOP_GRACE_MS = 10_000;

/** Runs a scenario; everything that k6 prints goes to stderr. Rejects when k6 fails for another reason than a crossed threshold. */
export async function runK6(config: Config, scope: Scope, run: K6Run): Promise<K6Summary> {
  const summaryFile = join(run.dir, 'summary.json');
  // A configuration of its own: one in the user's home is not to change a scenario. No address: k6 would serve its API there.
  const configFile = join(run.dir, 'k6-config.json');
  await writeFile(configFile, '{}');
  const args = ['run', '--no-color', '--quiet', '--address', '', '--config', configFile];
  scope.assertOpen();
  const child = spawn(run.file, [...args, '--summary-trend-stats', 'med,p(95),p(99),max', run.script], {
    cwd: run.dir,
    stdio: ['ignore', 2, 2],
    env: {
      ...config.childEnvironment,
      K6_NO_USAGE_REPORT: 'true',
      ...run.parameters,
      BASE_URL: run.url,
      SUMMARY_FILE: summaryFile,
      ...(run.token === undefined ? {} : { TOKEN: run.token }),
    },
  });
  const exit = once(child, 'exit');
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await exit.catch(() => undefined);
    clearTimeout(killer);
  };
  scope.defer(end);
  const timer = setTimeout(() => void end(), (run.loadSeconds + AROUND_SECONDS) * 1000);
  const [code, signal] = await exit.finally(() => clearTimeout(timer));
  const status = code ?? signal;
  if (status !== 0 && status !== EXIT_THRESHOLD) throw new Error(`k6 failed (exit ${status})`);
  return JSON.parse(await readFile(summaryFile, 'utf8')) as K6Summary;
}
