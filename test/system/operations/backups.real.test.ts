import { DUMP } from './backup-kinds.js';
import { describeBackups } from './backups.js';

jest.setTimeout(60_000);

describeBackups(DUMP, { isShort: true });
