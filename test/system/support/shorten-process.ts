import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A built server, alone, on free ports of loopback. */
export interface ServerProcess {
  readonly child: ChildProcess;
  /** What it has written to stderr so far. */
  readonly log: () => string;
  /** The exit status, or the signal that ended it. */
  readonly end: Promise<number | string>;
  /** Where a listener is, once it is open. */
  readonly url: (listener: 'public' | 'admin') => string | undefined;
}

/** Does not wait for anything but its process; whoever calls it ends it. */
export function spawnServer(service: 'shorten' | 'redirect', env: Readonly<Record<string, string>>): ServerProcess {
  const child = spawn(process.execPath, [join(__dirname, '..', '..', '..', 'services', service, 'dist', 'main.js')], {
    env: {
      PATH: process.env.PATH,
      LAKH_LISTEN: '127.0.0.1:0',
      LAKH_ADMIN_LISTEN: '127.0.0.1:0',
      LAKH_WORKERS: '1',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  return {
    child,
    log: () => log,
    end: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string),
    url: (listener) => new RegExp(`"address":"([^"]+)","msg":"${listener} listener is open"`).exec(log)?.[1],
  };
}

export const spawnShorten = (env: Readonly<Record<string, string>>): ServerProcess => spawnServer('shorten', env);
