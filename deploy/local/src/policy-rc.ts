import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { InterruptedError } from './errors.js';

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const MARKER = '# Lakh: no daemon starts while its package is installed; removed afterwards.';
/** Debian's contract (invoke-rc.d): 101 means "action forbidden by policy"; the package's installation goes on. */
const POLICY = `#!/bin/sh\n${MARKER}\nexit 101\n`;

/**
 * Runs `install` while packages may not start their daemons. A policy that was there is put back afterwards, also after a
 * failure, a signal to this process (which reaches `install` as an abort), and on the next run after a SIGKILL.
 */
export async function withoutDaemonStarts<T>(
  install: (interrupted: AbortSignal) => Promise<T>,
  policyFile: string = POLICY_FILE,
): Promise<T> {
  const saved = `${policyFile}.before-lakh`;
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  // First the signals, then the file: nothing may end this process between the two.
  try {
    restore(policyFile, saved);
    if (existsSync(policyFile)) renameSync(policyFile, saved);
    writeFileSync(policyFile, POLICY, { mode: 0o755 });
    const result = await install(interruption.signal);
    if (interruption.signal.aborted) throw new InterruptedError('interrupted while installing packages');
    return result;
  } finally {
    restore(policyFile, saved);
    for (const signal of signals) process.off(signal, interrupt);
  }
}

function restore(policyFile: string, saved: string): void {
  if (existsSync(policyFile) && readFileSync(policyFile, 'utf8').includes(MARKER)) rmSync(policyFile);
  if (existsSync(saved)) renameSync(saved, policyFile);
}
