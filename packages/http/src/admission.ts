/**
 * Which connections are let in when there are many. A client has a share of all of them; at its own limit, and at the server's, a new
 * connection takes the place of the one that has kept the server waiting for the longest: first of those on which nothing is going on, then
 * of those whose request has been arriving for a second. One whose request has arrived never gives way, nor a believed proxy's.
 *
 * How long somebody has been waited for is not noted down with each request, which would be work of the redirect lane: connections are
 * looked at now and then, and what has not moved since the last look has been waited for.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.js';
import { streamOf } from './streams.js';

export interface AdmissionLimits {
  readonly maxConnections: number;
  /** Of one client. */
  readonly maxConnectionsPerClient: number;
}

/** Why a connection was closed: its client had too many, the server had, or another one took its place. */
export type TurnedAway = (typeof TURNED_AWAY)[number];
export const TURNED_AWAY = ['client_full', 'server_full', 'gave_way'] as const;

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
  readonly connections: Connections;
  /** Undefined: not limited by itself. */
  readonly clientOf: (address: string | undefined) => string | undefined;
  /** Ends a connection whose request, if there is one, has not arrived. */
  readonly end: (socket: Socket, arriving: ServerResponse | undefined) => void;
  readonly onTurnedAway?: ((why: TurnedAway) => void) | undefined;
}

export const LOOK_MS = 250;
/** A request that is arriving is waited for for a second, so that only slow senders give way. */
const ARRIVING_LOOKS = 1000 / LOOK_MS;

interface Guest {
  readonly socket: Socket;
  /** Undefined: a proxy's. */
  readonly client: Group | undefined;
  /** At the last look. */
  bytesRead: number;
  progress: number;
  arriving: ServerResponse | undefined;
  /** Looks in a row at which it was waited for. */
  waits: number;
  isLeaving: boolean;
}

/** Of those that are leaving some may turn out to have woken, so that there are so many more for a while. */
const MORE_MAX = 128;

/** Guests, of whom some may be leaving. */
class Group {
  readonly guests = new Set<Guest>();
  leaving = 0;
  readonly key: string;
  readonly #limit: number;
  #queue: Guest[] = [];
  #queuedAtLook = -1;

  constructor(key: string, limit: number) {
    this.key = key;
    this.#limit = limit;
  }

  /** How many have to go before one more may come. */
  get tooMany(): number {
    return this.guests.size - this.leaving + 1 - this.#limit;
  }

  get isOverfull(): boolean {
    return this.guests.size >= this.#limit + Math.min(MORE_MAX, this.#limit);
  }

  /** Sorted once a look: of many newcomers each pays for one guest. */
  next(look: number, mayGo: (guest: Guest) => boolean): Guest | undefined {
    if (this.#queuedAtLook !== look) {
      this.#queuedAtLook = look;
      this.#queue = [...this.guests].filter(mayGo).sort(byPatience).reverse();
    }
    for (let guest = this.#queue.pop(); guest; guest = this.#queue.pop()) if (mayGo(guest)) return guest;
    return undefined;
  }
}

/** Who goes first comes first; of equals the older one. */
function byPatience(a: Guest, b: Guest): number {
  return Number(a.arriving !== undefined) - Number(b.arriving !== undefined) || b.waits - a.waits;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #everyone: Group;
  readonly #clients = new Map<string, Group>();
  #look = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#everyone = new Group('', options.limits.maxConnections);
  }

  /** False: there is no place for it, and it was closed. */
  admit(socket: Socket): boolean {
    const { limits, clientOf, onTurnedAway } = this.#options;
    const key = clientOf(socket.remoteAddress);
    const client =
      key === undefined ? undefined : (this.#clients.get(key) ?? new Group(key, limits.maxConnectionsPerClient));
    const full = [client, this.#everyone].find((group) => group && !this.#hasRoom(group));
    if (full) {
      onTurnedAway?.(full === client ? 'client_full' : 'server_full');
      socket.destroy();
      return false;
    }
    this.#welcome(socket, client);
    return true;
  }

  /** To be called every {@link LOOK_MS}. */
  look(): void {
    const { maxConnections, maxConnectionsPerClient } = this.#options.limits;
    this.#look += 1;
    // Far from any limit nobody needs to know.
    if (this.#everyone.guests.size <= Math.min(maxConnections, maxConnectionsPerClient) / 2) return;
    for (const guest of this.#everyone.guests) {
      const isWaitedFor = this.#isWaitedFor(guest);
      guest.waits = isWaitedFor ? guest.waits + 1 : 0;
      guest.arriving = this.#options.connections.lastOn(guest.socket);
      guest.bytesRead = guest.socket.bytesRead;
      guest.progress = (guest.arriving && streamOf(guest.arriving)?.progress) ?? 0;
    }
  }

  /** Whether one more may come, for whom somebody may have to go. */
  #hasRoom(group: Group): boolean {
    let hasRoom = group.tooMany <= 0;
    while (group.tooMany > 0) {
      const guest = group.next(this.#look, this.#mayGo);
      if (!guest) break;
      this.#letGo(guest);
      hasRoom = true;
    }
    return hasRoom && !group.isOverfull;
  }

  #welcome(socket: Socket, client: Group | undefined): void {
    // No look yet: not even one that sends nothing has been waited for.
    const guest: Guest = {
      socket,
      client,
      bytesRead: -1,
      progress: 0,
      arriving: undefined,
      waits: 0,
      isLeaving: false,
    };
    const groups = client ? [this.#everyone, client] : [this.#everyone];
    for (const group of groups) group.guests.add(guest);
    if (client) this.#clients.set(client.key, client);
    socket.once('close', () => {
      if (guest.isLeaving) this.#stay(guest);
      for (const group of groups) group.guests.delete(guest);
      if (client?.guests.size === 0) this.#clients.delete(client.key);
    });
  }

  /** Whether nothing has come of it since the last look, or only more of the same request. */
  #isWaitedFor({ socket, arriving, bytesRead, progress }: Guest): boolean {
    const { connections } = this.#options;
    const last = connections.lastOn(socket);
    const stream = last && streamOf(last);
    if (stream && (!stream.isWaiting || stream.progress !== progress)) return false;
    if (last) return last === arriving && !last.req.complete;
    return connections.pendingOn(socket) === 0 && socket.bytesRead === bytesRead && socket.writableLength === 0;
  }

  readonly #mayGo = (guest: Guest): boolean =>
    guest.client !== undefined &&
    !guest.isLeaving &&
    guest.waits >= (guest.arriving ? ARRIVING_LOOKS : 1) &&
    this.#isWaitedFor(guest);

  #letGo(guest: Guest): void {
    guest.isLeaving = true;
    this.#everyone.leaving += 1;
    if (guest.client) guest.client.leaving += 1;
    // After a poll what had arrived has been read, and its connection is waited for no more.
    setImmediate(() =>
      setImmediate(() => {
        if (guest.socket.destroyed) return;
        if (!this.#isWaitedFor(guest)) {
          this.#stay(guest);
          return;
        }
        this.#options.onTurnedAway?.('gave_way');
        this.#options.end(guest.socket, guest.arriving);
      }),
    );
  }

  #stay(guest: Guest): void {
    guest.isLeaving = false;
    this.#everyone.leaving -= 1;
    if (guest.client) guest.client.leaving -= 1;
  }
}
