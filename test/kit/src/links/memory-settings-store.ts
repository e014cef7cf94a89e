import type { SettingsStore } from '@lakh/links';

/** The SettingsStore contract on a map. */
export class MemorySettingsStore implements SettingsStore {
  readonly #values = new Map<string, string>();

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
