import type { SimulatedDatabase } from './database/database.js';
import type { Network } from './network.js';
import type { Sabotage } from './sabotage.js';
import type { Safety } from './safety.js';
import type { Setting } from './schedule.js';
import type { Ensemble } from './zookeeper/ensemble.js';

/** What all processes of a schedule have in common. */
export interface World {
  readonly setting: Setting;
  readonly ensemble: Ensemble;
  readonly database: SimulatedDatabase;
  readonly network: Network;
  readonly safety: Safety;
  readonly sabotage: Sabotage;
  /** See `Inside`. */
  readonly shared: Map<string, unknown>;
}
