/** What a witness loses, and what it comes back with. */
import type { DatabaseCopy } from './database/database.js';
import type { Witness } from './network.js';
import type { World } from './world.js';
import type { EnsembleCopy } from './zookeeper/ensemble.js';

/** What both witnesses hold at one moment. */
export interface Image {
  readonly ensemble: EnsembleCopy;
  readonly database: DatabaseCopy;
}

const MOST_WRITES_LOST = 3;

export class Disasters {
  readonly #world: World;
  #copies: Image;
  /** Which witness has forgotten something since the last repair that ended. */
  damaged: Witness | 'both' | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#copies = this.image();
  }

  image(): Image {
    const { database, ensemble } = this.#world;
    return { ensemble: ensemble.copy(), database: database.copy() };
  }

  /** What the next one that sets this witness back returns to. */
  copy(witness: Witness): void {
    const now = this.image();
    this.#copies =
      witness === 'ZooKeeper'
        ? { ...this.#copies, ensemble: now.ensemble }
        : { ...this.#copies, database: now.database };
  }

  /** A witness is seldom lost as a whole; mostly it comes back as it was a little while ago. */
  strike(witness: Witness, amount: number): void {
    const { network, safety } = this.#world;
    this.damaged = witness;
    network.coverage.add(`${witness} ${this.#lose(witness, amount)}`);
    if (witness === 'the ledger') safety.linksLost();
  }

  /** Only where a link is left that tells. */
  loseBoth(): void {
    const { database, ensemble, network } = this.#world;
    if (!database.tables.hasGeneratedLink() || this.damaged !== undefined) return;
    this.damaged = 'both';
    ensemble.wipe();
    database.loseLedger();
    network.coverage.add('both witnesses were lost');
  }

  #lose(witness: Witness, amount: number): string {
    const { database, ensemble } = this.#world;
    if (amount % 4 === 0) {
      if (witness === 'ZooKeeper') ensemble.wipe();
      else database.wipe();
      return 'was wiped';
    }
    if (amount % 2 === 1) {
      const writes = 1 + ((amount >> 1) % MOST_WRITES_LOST);
      if (witness === 'ZooKeeper') ensemble.restore(ensemble.copy(writes));
      else database.restore(database.copyBefore(writes));
      return 'lost its last writes';
    }
    if (witness === 'ZooKeeper') ensemble.restore(this.#copies.ensemble);
    else database.restore(this.#copies.database);
    return 'was set back';
  }
}
