import type { LinkCache, StoredLink } from '@lakh/links';

/** The LinkCache contract on a map. `available = false` makes it behave like a cache whose breaker is open. */
export class MemoryLinkCache implements LinkCache {
  available = true;
  /** Number of `get` calls so far. */
  gets = 0;
  readonly #values = new Map<string, StoredLink>();

  async get(domainId: number, code: string): Promise<StoredLink | undefined> {
    this.gets += 1;
    return this.available ? this.#values.get(`${domainId}:${code}`) : undefined;
  }

  async put(link: StoredLink): Promise<boolean> {
    if (!this.available) return false;
    const key = `${link.domainId}:${link.code}`;
    const held = this.#values.get(key);
    if (held === undefined || held.version <= link.version) this.#values.set(key, link);
    return true;
  }

  announce(link: StoredLink): Promise<boolean> {
    return this.put(link);
  }

  /** What a restart of the cache does. */
  clear(): void {
    this.#values.clear();
  }
}
