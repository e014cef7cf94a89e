import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { StartFailedError } from '../errors.js';

const LOWEST = 10_000;
const HIGHEST = 32_767;
const PARTS = 32;
const MAX_TRIES = 2_000;
const LOCAL_PORTS = '/proc/sys/net/ipv4/ip_local_port_range';

/** How far this process has come in its part: calls at once must not find the same port free. */
let tried = Math.floor(Math.random() * HIGHEST);

/**
 * Distinct free ports on 127.0.0.1 (free now: take them soon), outside the range from which the kernel takes the local ports of outgoing
 * connections: a server that is started again, under load, must find its port still free. Two processes that look at once look in
 * different parts, so that neither finds what the other is about to take.
 */
export async function freePorts(count: number, avoid: ReadonlySet<number> = new Set()): Promise<number[]> {
  const highest = Math.min(HIGHEST, lowestEphemeralPort() - 1);
  const size = Math.floor((highest - LOWEST + 1) / PARTS);
  const first = LOWEST + (process.pid % PARTS) * size;
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > MAX_TRIES) throw new StartFailedError(`no ${count} free ports from ${first} to ${first + size - 1}`);
    tried += 1;
    const port = first + (tried % size);
    if (!avoid.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** Whether a server could listen there now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}

function lowestEphemeralPort(): number {
  if (!existsSync(LOCAL_PORTS)) return HIGHEST + 1;
  const lowest = Number(readFileSync(LOCAL_PORTS, 'utf8').trim().split(/\s+/)[0]);
  // A machine that takes nearly all of them leaves nothing outside.
  return lowest > LOWEST + MAX_TRIES ? lowest : HIGHEST + 1;
}
