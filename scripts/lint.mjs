/** `npm run lint [-- --write]`: Biome's formatter and linter over the whole tree. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './ensure.mjs';

const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', ...process.argv.slice(2), '.'],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
