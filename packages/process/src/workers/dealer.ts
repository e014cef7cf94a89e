/**
 * Deals the connections of a server out to its workers. It opens the port when the first can serve and ends it with the last, so that who
 * cannot serve refuses connections.
 *
 * A connection goes to the worker that has fewest of its client's, of equals to the one that has fewest of all, so that what limits a client or
 * the server is met by all workers together, and not by one before the others. It is this process's too until the worker says that it has it, so
 * that one that ends meanwhile loses none. A worker is given one at a time.
 */
import { Server, type Socket } from 'node:net';
import { clientKey, endListener, listen } from '@lakh/http';
import type { HostPort } from '@lakh/settings';

/**
 *   taken     the worker has it
 *   refused   it has not, and takes no more: it is about to end
 *   lost      nobody can say
 */
export type Outcome = 'taken' | 'refused' | 'lost';

/** Whom connections are dealt to. */
export interface Taker {
  take(connection: number, socket: Socket): Promise<Outcome>;
}

export interface DealerOptions {
  /** Asked each time that the port is opened. */
  readonly address: () => HostPort;
  /** Connections that may wait for a worker; the next one is closed. */
  readonly waitingMax: number;
  /** Told of each that is closed because no worker can take it. */
  readonly onClosed: () => void;
  readonly onOpen: () => void;
  /** The port could not be had again, or accepts no connections. */
  readonly onError: (error: Error) => void;
}

interface Deal {
  readonly connection: number;
  readonly client: string;
  readonly socket: Socket;
}

/** One worker's. */
interface Desk {
  readonly taker: Taker;
  readonly waiting: Deal[];
  given: Deal | undefined;
  givenMs: number;
  /** Has said nothing about what it was given for a while. */
  isSilent: boolean;
  /** Of what it has and is to have. */
  total: number;
  readonly ofClient: Map<string, number>;
  /** What it has. */
  readonly open: Map<number, string>;
  lastDealt: number;
}

/** Whoever takes so long for one connection is given no more before others. */
const SILENT_MS = 1000;

export class Dealer {
  readonly #options: DealerOptions;
  /** Those that are dealt to, and those that are not any more, until they are gone. */
  readonly #desks = new Map<Taker, Desk>();
  readonly #dealing = new Set<Desk>();
  #server: Server | undefined;
  #opening: Promise<void> | undefined;
  #isEnding = false;
  #dealt = 0;

  constructor(options: DealerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#server?.listening === true;
  }

  /** Connections that no worker has taken yet. */
  get waiting(): number {
    let waiting = 0;
    for (const desk of this.#desks.values()) waiting += desk.waiting.length + (desk.given ? 1 : 0);
    return waiting;
  }

  /**
   * Deals to it from now on.
   * @throws ListenError when the port cannot be had
   */
  async add(taker: Taker): Promise<void> {
    const desk: Desk = {
      ...{ taker, waiting: [], given: undefined, givenMs: 0, isSilent: false, total: 0, lastDealt: 0 },
      ofClient: new Map(),
      open: new Map(),
    };
    this.#desks.set(taker, desk);
    this.#dealing.add(desk);
    if (this.isOpen || this.#isEnding) return;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  /** Deals to it no more; what it was given it still has. */
  remove(taker: Taker): void {
    const desk = this.#desks.get(taker);
    if (!desk || !this.#dealing.delete(desk)) return;
    if (this.#dealing.size === 0) this.#close();
    this.#dealAnew(desk);
  }

  /** It has ended: what it had not taken goes to others. */
  gone(taker: Taker): void {
    const desk = this.#desks.get(taker);
    if (!desk) return;
    this.remove(taker);
    this.#desks.delete(taker);
    const { given } = desk;
    desk.given = undefined;
    if (given) this.#deal(given);
  }

  /** Of what it had, these have ended. */
  ended(taker: Taker, connections: readonly number[]): void {
    const desk = this.#desks.get(taker);
    if (!desk) return;
    for (const connection of connections) {
      const client = desk.open.get(connection);
      if (client === undefined) continue;
      desk.open.delete(connection);
      uncount(desk, client);
    }
  }

  /** It has answered what it was asked at `askedMs`: what it was given before that and has said nothing of has not reached it. */
  heard(taker: Taker, askedMs: number): void {
    const desk = this.#desks.get(taker);
    if (desk?.given && desk.givenMs < askedMs) this.#settle(desk, desk.given, 'lost');
  }

  /** To be called every second or so: what waits for one that is silent goes to others. */
  look(): void {
    const nowMs = performance.now();
    for (const desk of this.#dealing) {
      if (!desk.given || desk.isSilent || nowMs - desk.givenMs < SILENT_MS) continue;
      desk.isSilent = true;
      this.#dealAnew(desk);
    }
  }

  /** Accepts whom the system has connected already, and nobody after that; resolves when each is a worker's, or after `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.#isEnding = true;
    await this.#opening?.catch(() => {});
    const untilMs = performance.now() + limitMs;
    if (this.#server) await endListener(this.#server, limitMs);
    while (this.waiting > 0 && performance.now() < untilMs) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
    this.#close();
  }

  async #open(): Promise<void> {
    const server = new Server({ pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket));
    // Nobody closes it before: a server that is closed while it asks for its address neither listens nor fails.
    await listen({ server }, this.#options.address());
    this.#server = server;
    server.on('error', this.#options.onError);
    // All have ended meanwhile.
    if (this.#dealing.size === 0 || this.#isEnding) this.#close();
    else this.#options.onOpen();
  }

  #close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const desk of this.#desks.values()) for (const deal of desk.waiting.splice(0)) this.#refuse(deal, desk);
  }

  #accept(socket: Socket): void {
    // Nothing is read or written here.
    socket.on('error', () => {});
    const { remoteAddress } = socket;
    // Gone before it could be asked who it is.
    if (remoteAddress === undefined) socket.destroy();
    else this.#deal({ connection: ++this.#dealt, client: clientKey(remoteAddress), socket });
  }

  #deal(deal: Deal): void {
    const desk = this.#choose(deal.client);
    if (!desk || (desk.given && this.waiting >= this.#options.waitingMax)) {
      this.#refuse(deal);
      return;
    }
    desk.total += 1;
    desk.ofClient.set(deal.client, (desk.ofClient.get(deal.client) ?? 0) + 1);
    desk.lastDealt = deal.connection;
    desk.waiting.push(deal);
    this.#give(desk);
  }

  #choose(client: string): Desk | undefined {
    let best: Desk | undefined;
    for (const desk of this.#dealing) if (!best || isBefore(desk, best, client)) best = desk;
    return best;
  }

  #give(desk: Desk): void {
    if (desk.given) return;
    const deal = desk.waiting.shift();
    if (!deal) return;
    desk.given = deal;
    desk.givenMs = performance.now();
    void desk.taker.take(deal.connection, deal.socket).then((outcome) => this.#settle(desk, deal, outcome));
  }

  #settle(desk: Desk, deal: Deal, outcome: Outcome): void {
    if (desk.given !== deal) return;
    desk.given = undefined;
    desk.isSilent = false;
    if (outcome === 'refused') {
      uncount(desk, deal.client);
      this.remove(desk.taker);
      this.#deal(deal);
      return;
    }
    if (outcome === 'taken') {
      desk.open.set(deal.connection, deal.client);
      deal.socket.destroy();
    } else {
      this.#refuse(deal, desk);
    }
    this.#give(desk);
  }

  #dealAnew(desk: Desk): void {
    for (const deal of desk.waiting.splice(0)) {
      uncount(desk, deal.client);
      this.#deal(deal);
    }
  }

  #refuse(deal: Deal, desk?: Desk): void {
    if (desk) uncount(desk, deal.client);
    deal.socket.destroy();
    this.#options.onClosed();
  }
}

function isBefore(a: Desk, b: Desk, client: string): boolean {
  if (a.isSilent !== b.isSilent) return b.isSilent;
  const ofClient = (a.ofClient.get(client) ?? 0) - (b.ofClient.get(client) ?? 0);
  return (ofClient || a.total - b.total || a.lastDealt - b.lastDealt) < 0;
}

function uncount(desk: Desk, client: string): void {
  const left = (desk.ofClient.get(client) ?? 0) - 1;
  if (left > 0) desk.ofClient.set(client, left);
  else desk.ofClient.delete(client);
  desk.total -= 1;
}
