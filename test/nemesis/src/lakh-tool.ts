import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { LEASE_ATTEMPT_MS, type System } from './system.js';

const DEADLINE_MS = 60_000;

interface ToolAnswer {
  /** Null when a signal ended it. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `lakh ranges repair --apply`, as an operator types it; resolves with what it said it did, in short. */
export async function repairRanges(system: System): Promise<string> {
  const { exit, stdout, stderr } = await lakh(system, ['ranges', 'repair', '--apply', '--json']);
  if (exit !== 0) throw new Error(`lakh ranges repair --apply failed (exit ${exit}): ${(stderr || stdout).trim()}`);
  const { steps = [] } = JSON.parse(stdout) as { steps?: readonly { readonly step: string }[] };
  return steps.length === 0 ? 'nothing to do' : steps.map(({ step }) => step).join(', ');
}

/** `lakh restore`, as it is typed where both witnesses come from old copies. */
export async function restoreRanges(system: System): Promise<string> {
  const { exit, stdout, stderr } = await lakh(system, ['restore', '--json']);
  if (exit !== 0) throw new Error(`lakh restore failed (exit ${exit}): ${(stderr || stdout).trim()}`);
  return `restored to ${(JSON.parse(stdout) as { next: number }).next}`;
}

/** What `lakh ranges check` finds wrong; empty when nothing is. */
export async function checkRanges(system: System): Promise<string[]> {
  const { exit, stdout, stderr } = await lakh(system, ['ranges', 'check']);
  if (exit === 0) return [];
  return [`lakh ranges check (exit ${exit}): ${(stdout || stderr).trim()}`];
}

/** The operator's tool on this system, past its wires. */
function lakh(system: System, args: readonly string[]): Promise<ToolAnswer> {
  const { zookeeper, zookeeperAuth, migrateDatabaseFile } = system.stack.addresses();
  const program = join(system.root, 'services', 'lakh', 'dist', 'main.js');
  const env = {
    TZ: 'UTC',
    LAKH_ZOOKEEPER: zookeeper,
    LAKH_ZOOKEEPER_AUTH: zookeeperAuth,
    LAKH_DATABASE_FILE: migrateDatabaseFile,
    LAKH_LEASE_ATTEMPT_MS: String(LEASE_ATTEMPT_MS),
    LAKH_RESTORE_SKIP: '1000000',
  };
  const options = { cwd: system.dir, env, timeout: DEADLINE_MS, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], options, (_error, stdout, stderr) => {
      resolve({ exit: child.exitCode, stdout, stderr });
    });
  });
}
