import { DUMP, PHYSICAL } from './backup-kinds.js';
import { describeBackups } from './backups.js';

jest.setTimeout(60_000);

describe.each([DUMP, PHYSICAL])('$name', (kind) => describeBackups(kind));
