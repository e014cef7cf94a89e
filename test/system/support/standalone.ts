import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The built program, as a user starts it. */
export const STANDALONE_MAIN = join(__dirname, '..', '..', '..', 'services', 'standalone', 'dist', 'main.js');

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramRun extends ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
}

export interface StandaloneOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Kept when the server stops; without it a new folder that `stop` removes. */
  readonly dataDir?: string;
  /** Arguments of Node itself. */
  readonly nodeArgs?: readonly string[];
}

/** A running server. */
export interface Standalone {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly adminUrl: string;
  readonly dataDir: string;
  readonly ended: Promise<ProcessEnd>;
  stdout(): string;
  stderr(): string;
  /** Resolves with the match once the log has it. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  /** SIGTERM, or SIGKILL when that does not help; removes the folder that was made for it. */
  stop(): Promise<ProcessEnd>;
}

/** What of npm's own variables a nested npm needs to reach its registry. */
const NPM_KEPT = /^npm_config_(registry|cache|userconfig|globalconfig|proxy|https_proxy|noproxy|cafile)$/i;

/** This environment without what npm, or who runs the tests, says to servers. */
export function cleanEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => NPM_KEPT.test(name) || !/^(LAKH_|npm_|NODE_OPTIONS$)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

/** Rejects, naming what was awaited, when `promise` takes longer than `limitMs`. */
export async function within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a child has written so far, and whoever waits for more of it. */
export function collect(child: ChildProcess) {
  const texts = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      wake();
    });
  }
  // `close` and not `exit`: by then everything that was written has been read.
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal });
      wake();
    });
  });
  ended.catch(() => {});

  function sees(name: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const match = pattern.exec(texts[name]);
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (!match && !isOver) return;
        waiting.delete(check);
        if (match) resolve(match);
        else reject(new Error(`ended (${child.exitCode ?? child.signalCode}) without ${pattern}:\n${texts.stderr}`));
      };
      waiting.add(check);
      check();
    });
  }
  return { texts, ended, sees };
}

/** Starts the built server on free ports of loopback; resolves when it says that it is ready. */
export async function startStandalone(options: StandaloneOptions = {}): Promise<Standalone> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'lakh-standalone-'));
  const env = { LAKH_LISTEN: '127.0.0.1:0', LAKH_ADMIN_LISTEN: '127.0.0.1:0', LAKH_DATA_DIR: dataDir, ...options.env };
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), STANDALONE_MAIN], {
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { texts, ended, sees } = collect(child);

  async function stop(): Promise<ProcessEnd> {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    try {
      return await within(ended, STOP_LIMIT_MS, 'the end of the server');
    } finally {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    }
  }

  try {
    await within(sees('stdout', /Lakh is ready: \S+\n/), START_LIMIT_MS, 'the start of the server');
    const address = (name: string): string =>
      new RegExp(`"address":"([^"]+)","msg":"${name} listener is open"`).exec(texts.stderr)?.[1] as string;
    const url = address('public');
    return {
      child,
      pid: child.pid as number,
      url,
      host: new URL(url).host,
      port: Number(new URL(url).port),
      adminUrl: address('admin'),
      dataDir,
      ended,
      stdout: () => texts.stdout,
      stderr: () => texts.stderr,
      logged: (pattern) => sees('stderr', pattern),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs the built program to its end, which has to come by itself. */
export async function runStandalone(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  const child = spawn(process.execPath, [STANDALONE_MAIN, ...args], {
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { texts, ended } = collect(child);
  try {
    return { ...(await within(ended, START_LIMIT_MS, 'the end of the program')), ...texts };
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}
