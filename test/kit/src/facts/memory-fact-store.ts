import type { FactStore } from '@lakh/facts';

/** The FactStore contract on a map. */
export class MemoryFactStore implements FactStore {
  readonly #values = new Map<string, string>();

  async read(name: string): Promise<string | undefined> {
    return this.#values.get(name);
  }

  async recordOnce(name: string, value: string): Promise<string> {
    const recorded = this.#values.get(name);
    if (recorded !== undefined) return recorded;
    this.#values.set(name, value);
    return value;
  }

  async replace(name: string, expected: string, value: string): Promise<boolean> {
    if (this.#values.get(name) !== expected) return false;
    this.#values.set(name, value);
    return true;
  }
}
