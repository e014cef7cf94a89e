import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@lakh/local';
import { formatMatrix, type MATRIX_FAULTS, type MatrixRow, runMatrix } from '@lakh/nemesis';
import { root } from '../../docs/support';

/** Makes these faults, one after another; rejects with the table when anything is not as promised. */
export async function breakAll(faults: typeof MATRIX_FAULTS, seed: number): Promise<readonly MatrixRow[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-faults-'));
  chmodSync(dir, 0o711);
  const told: string[] = [];
  try {
    const rows = await runMatrix({
      dir,
      root,
      settings: readSettings({ PATH: process.env.PATH }),
      faults,
      seed,
      report: (line) => told.push(line),
      signal: new AbortController().signal,
    });
    process.stderr.write(formatMatrix(rows));
    if (rows.some(({ violations }) => violations.length > 0)) throw new Error(formatMatrix(rows));
    rmSync(dir, { recursive: true, force: true });
    return rows;
  } catch (error) {
    process.stderr.write(`faults: seed ${seed}, logs in ${dir}; it said:\n${told.join('\n')}\n`);
    throw error;
  }
}
