import { launchNginx } from '../../rivals/nginx.js';
import type { Skipped, Subject } from '../figures.js';
import { goProgram } from '../go-programs.js';
import { launchProgram, launchRival } from '../http-server.js';
import { targetUrl } from '../links.js';
import { whyMissing } from '../packages.js';
import type { Bench } from '../setting.js';

export const BARE = 'node:http';
export const EXPRESS = 'express 5';
export const NGINX = 'nginx';
export const GO = 'Go net/http';

export interface Rival extends Omit<Subject, 'measure'> {
  readonly url: string;
}

/** Those that can be had here; what cannot is added to `skipped`. */
export async function startRivals(bench: Bench, skipped: Skipped[]): Promise<Rival[]> {
  const location = targetUrl(0);
  const rivals: Rival[] = [
    {
      name: BARE,
      role: 'rival',
      what: 'writeHead(301, {Location}).end() with one fixed address: no routing, cache, counter or header of its own',
      url: await launchRival(bench, 'bare-redirect', location),
    },
    {
      name: EXPRESS,
      role: 'rival',
      what: "get('/:code') → redirect(301, one fixed address), NODE_ENV=production",
      url: await launchRival(bench, 'express-redirect', location),
    },
  ];
  const go = await goProgram(bench, 'redirect');
  if ('missing' in go) skipped.push({ name: GO, reason: go.missing });
  else {
    const what = 'a handler that sets Location and writes 301, one fixed address; on one core, so GOMAXPROCS is 1';
    rivals.push({ name: GO, role: 'rival', what, url: await launchProgram(bench, 'go-redirect', [go.file], location) });
  }
  const missing = await whyMissing(['nginx']);
  if (missing) skipped.push({ name: NGINX, reason: missing });
  else {
    const what = 'one worker, `return 301` with one fixed address, no access log';
    const url = await launchNginx(bench, { name: 'nginx', does: `return 301 ${location}` });
    rivals.push({ name: NGINX, role: 'limit', what, url });
  }
  return rivals;
}
