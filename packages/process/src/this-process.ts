import { hostname } from 'node:os';

/**
 * What this process says of itself wherever it is named: on the leases that it holds and where it registers. An operator's tool tells by
 * the equality of both which leases are still held.
 */
export function thisProcess(serverId: string): { serverId: string; host: string; processStartMs: number } {
  return { serverId, host: hostname(), processStartMs: Math.round(performance.timeOrigin) };
}
