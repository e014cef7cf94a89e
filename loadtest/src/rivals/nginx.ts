import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerPlan } from '@lakh/local';
import { pinned } from '../bench/machine.js';
import type { Bench } from '../bench/setting.js';

const PROBE_DEADLINE_MS = 1_000;
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** One nginx worker on the server's core that answers every path with `return 301 LOCATION`. */
export function nginxRedirectPlan(bench: Bench, port: number, location: string): ServerPlan {
  const dir = join(bench.dir, 'nginx');
  const configFile = join(dir, 'nginx.conf');
  return {
    name: 'nginx',
    role: 'gateway',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'error.log'),
    command: pinned(bench.pinning.server, ['nginx', '-p', dir, '-c', configFile, '-e', join(dir, 'error.log')]),
    env: { PATH },
    stopSignal: 'SIGTERM',
    async prepare() {
      await mkdir(dir, { recursive: true });
      await writeFile(configFile, configuration(dir, port, location));
    },
    async ready() {
      const signal = AbortSignal.timeout(PROBE_DEADLINE_MS);
      const answer = await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual', signal }).catch(() => undefined);
      return answer?.status === 301;
    },
  };
}

function configuration(dir: string, port: number, location: string): string {
  // Nothing is proxied or stored, but nginx makes these folders at start wherever its build says, unless told.
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${dir}/${name};`,
  );
  return `daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  # The other servers do not end a connection after a number of requests.
  keepalive_requests 1000000000;
${folders.join('\n')}
  server {
    listen 127.0.0.1:${port};
    location / { return 301 ${location}; }
  }
}
`;
}
