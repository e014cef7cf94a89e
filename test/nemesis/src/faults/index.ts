import type { FaultName } from '../catalogue.js';
import { skewClock } from './clock.js';
import type { MakeFault } from './fault.js';
import * as processes from './processes.js';
import { cut, expireSessions } from './wires.js';
import { restoreMariadb, restoreZookeeper, wipeZookeeper } from './witnesses.js';

export type { FaultContext, MakeFault } from './fault.js';

export const MAKE: Readonly<Record<FaultName, MakeFault>> = {
  'kill-shorten': processes.killShorten,
  'kill-redirect': processes.killRedirect,
  'kill-zookeeper': processes.killZookeeper,
  'kill-mariadb': processes.killMariadb,
  'kill-redis': processes.killRedis,
  'freeze-shorten': processes.freezeShorten,
  'freeze-shorten-past-session': processes.freezeShortenPastSession,
  'freeze-redirect': processes.freezeRedirect,
  'freeze-zookeeper': processes.freezeZookeeper,
  'freeze-mariadb': processes.freezeMariadb,
  'freeze-redis': processes.freezeRedis,
  'restart-shorten': processes.restartShorten,
  'restart-mariadb': processes.restartMariadb,
  'roll-zookeeper': processes.rollZookeeper,
  'down-zookeeper': processes.downZookeeper,
  'cut-zookeeper': cut('zookeeper'),
  'cut-mariadb': cut('mariadb'),
  'cut-redis': cut('redis'),
  'expire-sessions': expireSessions,
  'wipe-zookeeper': wipeZookeeper,
  'restore-zookeeper': restoreZookeeper,
  'restore-mariadb': restoreMariadb,
  'skew-clock': skewClock,
};
