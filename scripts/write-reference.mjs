/** `node scripts/write-reference.mjs`: writes the pages of docs/reference that are made from code. Build first. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationReference } from '../packages/service-kit/dist/index.js';
import { cliReference } from '../services/lakh/dist/index.js';
import { root } from './ensure.mjs';

writeFileSync(join(root, 'docs', 'reference', 'configuration.md'), configurationReference());
writeFileSync(join(root, 'docs', 'reference', 'cli.md'), cliReference());
