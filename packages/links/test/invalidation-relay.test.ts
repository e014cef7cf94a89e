import { MemoryLinkCache, MemoryLinkStore, MemoryOutbox, SampleLinks, storedAs, tombstoneOf } from '@lakh/testkit';
import { relayInvalidations, StoreUnavailableError } from '../src/index.js';

const ROUND_SIZE = 200;

/** `count` links, deleted, whose invalidations wait. */
async function setUp(count: number) {
  const [store, cache, sample] = [new MemoryLinkStore(), new MemoryLinkCache(), new SampleLinks()];
  const links = Array.from({ length: count }, () => sample.generated());
  for (const link of links) {
    await store.insert(link);
    await store.remove(0, link.code);
  }
  const outbox = new MemoryOutbox(links.map(({ code }) => ({ domainId: 0, code, version: 2 })));
  return { store, cache, links, outbox, ports: { outbox, store, cache } };
}

describe('the relay of invalidations', () => {
  test('brings each link’s present state to the cache, whatever the change was', async () => {
    const { store, cache, links, outbox, ports } = await setUp(3);
    const [deleted, edited, editedTwice] = links;
    store.overwrite(storedAs({ ...edited!, longUrl: 'https://example.com/edited' }, 2));
    store.overwrite(storedAs(editedTwice!, 3));
    expect(await relayInvalidations(ports)).toBe(3);
    expect(await cache.get(0, deleted!.code)).toEqual(tombstoneOf(deleted!));
    expect(await cache.get(0, edited!.code)).toMatchObject({ version: 2, longUrl: 'https://example.com/edited' });
    expect(await cache.get(0, editedTwice!.code)).toMatchObject({ version: 3 });
    expect(outbox.waiting).toEqual([]);
  });

  test('asks the primary, after the outbox', async () => {
    const { store, links, ports } = await setUp(1);
    const find = jest.spyOn(store, 'find');
    await relayInvalidations(ports);
    expect(find.mock.calls).toEqual([[0, links[0]!.code, { fresh: true }]]);
  });

  test('leaves what the store does not show yet, and delivers the rest', async () => {
    const { store, cache, links, outbox, ports } = await setUp(3);
    store.overwrite(storedAs(links[0]!, 1));
    outbox.waiting[1] = { domainId: 0, code: 'unknown', version: 1 };
    const left = outbox.waiting.slice(0, 2);
    expect(await relayInvalidations(ports)).toBe(1);
    expect(await cache.get(0, links[0]!.code)).toBeUndefined();
    expect(await cache.get(0, links[2]!.code)).toEqual(tombstoneOf(links[2]!));
    expect(outbox.waiting).toEqual(left);
  });

  test('goes on after a full round, and ends with one that is not', async () => {
    const { outbox, ports } = await setUp(ROUND_SIZE + 1);
    expect(await relayInvalidations(ports)).toBe(ROUND_SIZE + 1);
    expect(outbox).toMatchObject({ waiting: [], rounds: 2 });
  });

  test('ends when a full round brought nothing', async () => {
    const { store, outbox, ports, links } = await setUp(ROUND_SIZE);
    for (const link of links) store.overwrite(storedAs(link, 1));
    expect(await relayInvalidations(ports)).toBe(0);
    expect(outbox.rounds).toBe(1);
  });

  test('ends at the first that the cache does not take; a later one goes on there', async () => {
    const { cache, outbox, ports } = await setUp(3);
    const announce = cache.announce.bind(cache);
    jest.spyOn(cache, 'announce').mockImplementationOnce(announce).mockResolvedValueOnce(false);
    expect(await relayInvalidations(ports)).toBe(1);
    expect(outbox).toMatchObject({ rounds: 1, waiting: { length: 2 } });
    expect(await relayInvalidations(ports)).toBe(2);
    expect(outbox.waiting).toEqual([]);
  });

  test('asks the store for one link a round while the cache takes none', async () => {
    const { store, cache, ports } = await setUp(3);
    jest.spyOn(cache, 'announce').mockResolvedValue(false);
    const find = jest.spyOn(store, 'find');
    expect(await relayInvalidations(ports)).toBe(0);
    expect(find).toHaveBeenCalledTimes(1);
  });

  test('rejects when the store cannot be asked, and nothing is lost', async () => {
    const { store, outbox, ports } = await setUp(2);
    store.gate = () => {
      throw new StoreUnavailableError('down');
    };
    await expect(relayInvalidations(ports)).rejects.toThrow('down');
    expect(outbox.waiting).toHaveLength(2);
  });

  test('ends after the one in hand when it is told to stop, and the rest waits for others', async () => {
    const { cache, outbox, ports } = await setUp(ROUND_SIZE * 3);
    const stopping = new AbortController();
    const announce = cache.announce.bind(cache);
    let announced = 0;
    jest.spyOn(cache, 'announce').mockImplementation((link) => {
      announced += 1;
      if (announced === 7) stopping.abort();
      return announce(link);
    });
    expect(await relayInvalidations({ ...ports, signal: stopping.signal })).toBe(7);
    expect(outbox.waiting).toHaveLength(ROUND_SIZE * 3 - 7);
  });

  test('delivers what is beside a link that the store cannot read, and tells of that one', async () => {
    const { store, links, outbox, ports } = await setUp(5);
    store.gate = ({ code }) => {
      if (code === links[2]!.code) throw new Error('of an unknown kind');
    };
    const unreadable: unknown[] = [];
    const onUnreadable = ({ code }: { code: string }, error: unknown) => unreadable.push([code, String(error)]);
    expect(await relayInvalidations({ ...ports, onUnreadable })).toBe(4);
    expect(outbox.waiting).toEqual([{ domainId: 0, code: links[2]!.code, version: 2 }]);
    expect(unreadable).toEqual([[links[2]!.code, 'Error: of an unknown kind']]);
  });
});
