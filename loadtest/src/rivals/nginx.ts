import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@lakh/local';
import { httpServerPlan } from '../bench/http-server.js';
import type { Bench } from '../bench/setting.js';
import { launchIn } from '../launch.js';

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

interface Nginx {
  /** Its folder's. */
  readonly name: string;
  /** With every request: a directive. */
  readonly does: string;
  /** `host:port` of a server that `does` may call `behind`; connections to it are kept. */
  readonly upstream?: string;
}

/** One nginx worker on the server's core that does the same with every path; resolves with its address. */
export async function launchNginx(bench: Bench, { name, ...does }: Nginx): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const dir = join(bench.dir, name);
  const configFile = join(dir, 'nginx.conf');
  await mkdir(dir, { recursive: true });
  await writeFile(configFile, configuration(dir, port, does));
  const command = ['nginx', '-p', dir, '-c', configFile, '-e', join(dir, 'error.log')] as const;
  const plan = httpServerPlan(bench, { name, port, command, env: { PATH }, probe: [port, '/'] });
  await launchIn(bench.scope, plan);
  return `http://127.0.0.1:${port}`;
}

function configuration(dir: string, port: number, { does, upstream }: Omit<Nginx, 'name'>): string {
  // Nothing is stored, but nginx makes these folders at start wherever its build says, unless told.
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
${upstream === undefined ? '' : proxying(upstream)}  server {
    listen 127.0.0.1:${port};
    location / { ${does}; }
  }
}
`;
}

/** With the headers that the gateway of the stack sets, and no more. */
const proxying = (upstream: string) => `  upstream behind {
    server ${upstream};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  proxy_http_version 1.1;
  proxy_set_header Connection '';
  proxy_set_header Host ${upstream};
  proxy_set_header X-Request-Id $request_id;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
`;
