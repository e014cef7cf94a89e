/** Under which name a database has the namespace on record whose counters become its links. */
export const NAMESPACE_FACT = 'links_namespace';

/**
 * Facts that every server of one database must agree on (codec, fingerprints of keys, the namespace that feeds links), by name.
 * Rejects as `LinkStore` does.
 */
export interface FactStore {
  /** What is recorded under `name`, without recording anything; undefined when nothing is. */
  read(name: string): Promise<string | undefined>;
  /** Records `value` under `name` unless something is there already; resolves with what is recorded now. */
  recordOnce(name: string, value: string): Promise<string>;
  /** Compare-and-set: false when the recorded value is not `expected` (any more). */
  replace(name: string, expected: string, value: string): Promise<boolean>;
}
