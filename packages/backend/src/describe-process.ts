import { hostname } from 'node:os';

/** What every process can say of itself. `processStartMs` as its leases have it, so that an operator's tool can tell which of them are held. */
export function describeProcess() {
  return {
    host: hostname(),
    pid: process.pid,
    startedAt: new Date().toISOString(),
    processStartMs: Math.round(performance.timeOrigin),
  };
}
