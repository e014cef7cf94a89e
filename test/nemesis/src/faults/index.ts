import type { FaultName } from '../catalogue.js';
import { skewClock } from './clock.js';
import type { MakeFault } from './fault.js';
import { processFaults } from './processes.js';
import { cut, expireSessions } from './wires.js';
import { restoreBoth, restoreMariadb, restoreZookeeper, wipeZookeeper } from './witnesses.js';
import { workerFaults } from './workers.js';

export const MAKE: Readonly<Record<FaultName, MakeFault>> = {
  ...processFaults,
  ...workerFaults,
  'cut-zookeeper': cut('zookeeper'),
  'cut-mariadb': cut('mariadb'),
  'cut-redis': cut('redis'),
  'expire-sessions': expireSessions,
  'wipe-zookeeper': wipeZookeeper,
  'restore-zookeeper': restoreZookeeper,
  'restore-mariadb': restoreMariadb,
  'restore-both': restoreBoth,
  'skew-clock': skewClock,
};
