import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@lakh/local';
import { formatMatrix, type MATRIX_FAULTS, type Matrix, runMatrix } from '@lakh/nemesis';
import { root } from '../../docs/support';

/** Makes these faults, one after another; rejects with the table when anything is not as promised. */
export async function breakAll(faults: typeof MATRIX_FAULTS, seed: number): Promise<Matrix> {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-faults-'));
  chmodSync(dir, 0o711);
  const told: string[] = [];
  try {
    const matrix = await runMatrix({
      dir,
      root,
      settings: readSettings({ PATH: process.env.PATH }),
      faults,
      seed,
      report: (line) => told.push(line),
      signal: new AbortController().signal,
    });
    process.stderr.write(formatMatrix(matrix));
    if (matrix.rows.some(({ violations }) => violations.length > 0)) throw new Error(formatMatrix(matrix));
    rmSync(dir, { recursive: true, force: true });
    return matrix;
  } catch (error) {
    process.stderr.write(`faults: seed ${seed}, logs in ${dir}; it said:\n${told.join('\n')}\n`);
    throw error;
  }
}
