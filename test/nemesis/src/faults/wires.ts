/** What happens between the servers: bytes that are lost or late. */

import { SHORTEN } from '../system.js';
import { comesTrue } from '../until.js';
import type { Wired } from '../wires.js';
import { last, type MakeFault } from './fault.js';
import { untilRegistered } from './processes.js';

/** Times that one fault cuts the wire, each at a byte of its own. */
const CUTS = 4;
/** Answers to a lease or an insert have some tens of bytes. */
const MAX_BYTE = 120;
/** An idle wire carries a heartbeat at least this often. */
const CUT_WITHIN_MS = 4_000;

/**
 * Every connection to `wired` is reset at a byte of an answer (sometimes of a request): the server has applied what it was asked, or
 * has half of it, and nobody heard.
 */
export function cut(wired: Wired): MakeFault {
  return async (context) => {
    const { random, system } = context;
    const proxies = system.wires.of(wired);
    const count = (): number => proxies.reduce((sum, proxy) => sum + proxy.cuts, 0);
    const first = count();
    const chosen: string[] = [];
    for (let i = 0; i < CUTS; i += 1) {
      const direction = random.next() < 0.8 ? 'answers' : 'requests';
      const afterBytes = random.between(0, MAX_BYTE);
      const before = count();
      for (const proxy of proxies) proxy.set({ kind: 'cut', direction, afterBytes });
      await comesTrue(() => count() > before, CUT_WITHIN_MS, system.signal);
      // Others' connections, and those that are made anew, are cut as well.
      await last(context, 0, 300);
      for (const proxy of proxies) proxy.set({ kind: 'pass' });
      chosen.push(`${direction} at ${afterBytes}`);
      // Long enough for some leases and inserts, so that the next cut has something to hit.
      await last(context, 200, 800);
    }
    return `${count() - first} connections: ${chosen.join(', ')}`;
  };
}

/** Nothing moves between the servers and ZooKeeper until it has given all of them up; then everything arrives, late. */
export const expireSessions: MakeFault = async ({ system }) => {
  const proxies = system.wires.of('zookeeper');
  await untilRegistered(system);
  const running = SHORTEN.filter((name) => system.stack.running().some((process) => process.name === name));
  for (const proxy of proxies) proxy.set({ kind: 'freeze' });
  try {
    await system.untilExpired(...running);
  } finally {
    for (const proxy of proxies) proxy.set({ kind: 'pass' });
  }
  return running.join(', ');
};
