import { launchNginx } from '../../rivals/nginx.js';
import type { Group, Subject } from '../figures.js';
import type { Bench } from '../setting.js';
import { CONNECTIONS, loadOurs } from './load.js';
import type { Warm } from './ours.js';

const AT_LEAST = 1.15;

/** The same redirects through nginx on the same core, beside those of a server whose wire lane is off. */
export async function behindNginxGroup(bench: Bench, on: Warm, off: Warm): Promise<Group> {
  const subject = async (name: string, role: 'ours' | 'rival', one: Warm): Promise<Subject> => {
    const address = new URL(one.running.url).host;
    const url = await launchNginx(bench, {
      name: `nginx-${role}`,
      does: `proxy_pass http://behind`,
      upstream: address,
    });
    return {
      name,
      role,
      what: `one nginx worker that proxies over kept connections, and ${one.what}`,
      measure: (seconds) => loadOurs(bench, one, 'hot', seconds, { url }),
    };
  };
  return {
    id: 'behind-nginx',
    title: `Redirects through nginx, ${CONNECTIONS} connections, nginx and ours on one core`,
    unit: 'requests/s',
    subjects: [await subject(on.name, 'ours', on), await subject(off.name, 'rival', off)],
    independent: true,
    targets: [{ ours: on.name, against: off.name, atLeast: AT_LEAST }],
  };
}
