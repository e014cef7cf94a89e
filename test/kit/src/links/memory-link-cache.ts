import type { CachedLink, LinkCache, Sighting } from '@lakh/links';

/** A LinkCache on a map, for those who ask one: everything in it may be served until `validUntilMs`. */
export class MemoryLinkCache implements LinkCache {
  /** While false it knows nothing and takes nothing. */
  available = true;
  validUntilMs = Number.POSITIVE_INFINITY;
  /** Number of `get` calls so far. */
  gets = 0;
  readonly #values = new Map<string, Sighting>();

  async get(domainId: number, code: string): Promise<CachedLink | undefined> {
    this.gets += 1;
    const found = this.available ? this.#values.get(`${domainId}:${code}`) : undefined;
    return found && { link: found.link, validUntilMs: this.validUntilMs };
  }

  async put(sighting: Sighting): Promise<boolean> {
    if (!this.available) return false;
    this.#values.set(`${sighting.link.domainId}:${sighting.link.code}`, sighting);
    return true;
  }
}
