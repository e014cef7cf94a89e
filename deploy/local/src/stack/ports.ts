import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { StartFailedError } from '../errors.js';

const LOWEST = 10_000;
const HIGHEST = 32_767;
const MAX_TRIES = 2_000;

/**
 * Free ports on 127.0.0.1, outside the range from which the kernel takes the local ports of outgoing connections: a server that
 * is started again, under load, must find its port still free.
 */
export async function stackPorts(count: number, avoid: ReadonlySet<number> = new Set()): Promise<number[]> {
  const highest = Math.min(HIGHEST, lowestEphemeralPort() - 1);
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > MAX_TRIES) throw new StartFailedError(`no ${count} free ports from ${LOWEST} to ${highest}`);
    const port = LOWEST + Math.floor(Math.random() * (highest - LOWEST + 1));
    if (!avoid.has(port) && !found.has(port) && (await isFree(port))) found.add(port);
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
  const lowest = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0]);
  // A machine that takes nearly all of them leaves nothing outside.
  return lowest > LOWEST + MAX_TRIES ? lowest : HIGHEST + 1;
}
