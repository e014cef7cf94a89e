import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Sample } from './figures.js';
import { pinned } from './machine.js';
import type { Bench } from './setting.js';

/** One run of the generator. */
export interface WrkRun {
  readonly url: string;
  /** A script of loadtest/wrk, and its arguments. */
  readonly script: 'paths.lua' | 'browser.lua' | 'creates.lua' | 'batches.lua';
  readonly args: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

/** What done.lua prints: counts and microseconds. */
type WrkCounts = Readonly<
  Record<'requests' | 'durationUs' | 'p50Us' | 'p99Us' | 'connect' | 'read' | 'write' | 'timeout' | 'status', number>
>;

const REQUEST_TIMEOUT_S = 5;
const END_GRACE_MS = 15_000;
const OUTPUT_LINE = /^LAKH (\{.*\})$/m;

/** Requests a second over `run.seconds`; rejects when any request failed (4xx and 5xx included) or none was answered. */
export async function wrk(bench: Bench, run: WrkRun): Promise<Sample> {
  const script = join(bench.root, 'loadtest', 'wrk', run.script);
  const [file, ...args] = pinned(bench.pinning.generator, [
    'wrk',
    '-t1',
    `-c${run.connections}`,
    `-d${run.seconds}s`,
    `--timeout=${REQUEST_TIMEOUT_S}s`,
    '-s',
    script,
    run.url,
    '--',
    ...run.args,
  ]);
  bench.scope.assertOpen();
  const running = promisify(execFile)(file, args, {
    timeout: run.seconds * 1000 + END_GRACE_MS,
    killSignal: 'SIGKILL',
    env: bench.config.childEnvironment,
  });
  bench.scope.defer(() => running.child.kill('SIGKILL'));
  const { stdout } = await running.catch((error: Error & { readonly stdout: string; readonly stderr: string }) => {
    throw new Error(`wrk failed: ${(error.stderr || error.stdout || error.message).trim()}`);
  });
  return readWrk(stdout);
}

/** The sample in what done.lua printed. */
export function readWrk(output: string): Sample {
  const line = OUTPUT_LINE.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk ended without its counts:\n${output}`);
  const counts = JSON.parse(line) as WrkCounts;
  const { connect, read, write, timeout, status } = counts;
  if (connect + read + write + timeout + status > 0) {
    throw new Error(
      `wrk met errors, so there is no figure: ${connect} connecting, ${read} reading, ${write} writing, ${timeout} timeouts, ` +
        `${status} answers of 400 or more, of ${counts.requests} requests`,
    );
  }
  if (counts.requests === 0) throw new Error('wrk got no answer at all');
  return {
    value: counts.requests / (counts.durationUs / 1e6),
    p50Ms: counts.p50Us / 1000,
    p99Ms: counts.p99Us / 1000,
  };
}
