import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@lakh/local';
import { httpServerPlan } from '../bench/http-server.js';
import type { Bench } from '../bench/setting.js';
import { launchIn } from '../launch.js';

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** One nginx worker on the server's core that answers every path with `return 301 LOCATION`; resolves with its address. */
export async function launchNginx(bench: Bench, location: string): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const dir = join(bench.dir, 'nginx');
  const configFile = join(dir, 'nginx.conf');
  await mkdir(dir, { recursive: true });
  await writeFile(configFile, configuration(dir, port, location));
  const command = ['nginx', '-p', dir, '-c', configFile, '-e', join(dir, 'error.log')] as const;
  const plan = httpServerPlan(bench, { name: 'nginx', port, command, env: { PATH }, probe: [port, '/'] });
  await launchIn(bench.scope, plan);
  return `http://127.0.0.1:${port}`;
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
