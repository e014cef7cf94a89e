import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@lakh/local';
import { type FaultName, formatResult, type NemesisResult, runNemesis } from '@lakh/nemesis';
import { root } from '../../docs/support';

/** One round of the nemesis over `faults`: each once. The folder is kept, and named, only when something is wrong. */
export async function oneRound(seed: number, faults: readonly FaultName[]): Promise<NemesisResult> {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-nemesis-'));
  const told: string[] = [];
  try {
    const result = await runNemesis({
      dir,
      root,
      settings: readSettings({ PATH: process.env.PATH }),
      seed,
      steps: faults.length,
      faults,
      report: (line) => told.push(line),
      signal: new AbortController().signal,
    });
    process.stderr.write(`${formatResult(result)}`);
    if (result.verdict.violations.length > 0) throw new Error(formatResult(result));
    rmSync(dir, { recursive: true, force: true });
    return result;
  } catch (error) {
    process.stderr.write(`nemesis: seed ${seed}, history and logs in ${dir}; it said:\n${told.join('\n')}\n`);
    throw error;
  }
}
