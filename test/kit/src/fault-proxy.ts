import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What happens to bytes on their way. It holds for connections that are open and for those to come, from the moment it is
 * set. A connection that has lost bytes never passes any again in that direction: a stream with a hole in it is no
 * fault that a network makes.
 */
export type Fault =
  | { readonly kind: 'pass' }
  /** Nothing moves in either direction and nothing is lost: bytes wait in the peers' buffers for the next `pass`. */
  | { readonly kind: 'freeze' }
  /** Requests arrive and are applied; what the server says is lost. */
  | { readonly kind: 'drop-answers' }
  /** What the client says is lost. */
  | { readonly kind: 'drop-requests' }
  /**
   * Lets `afterBytes` more pass in that direction (on each connection), then resets both sides. Node shows a reset that
   * arrives together with data as the stream's end.
   */
  | { readonly kind: 'cut'; readonly direction: Direction; readonly afterBytes: number }
  /** Each piece arrives `delayMs` later, in order. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Open connections are reset at once, new ones as soon as they are accepted. */
  | { readonly kind: 'reset' };

export type Direction = 'requests' | 'answers';

export interface FaultProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Connections open now. */
  readonly connections: number;
  /** Connections that `cut` has reset so far. */
  readonly cuts: number;
  set(fault: Fault): void;
  /** Resets every open connection, and stops listening. */
  close(): Promise<void>;
}

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * A TCP proxy on a free port of 127.0.0.1 that does what it is told to the bytes between a client and `target`, which may be a function
 * where the server's port is known only after the proxy's own.
 */
export async function createFaultProxy(target: ProxyTarget | (() => ProxyTarget)): Promise<FaultProxy> {
  const serverOf = typeof target === 'function' ? target : () => target;
  const links = new Set<Link>();
  let fault: Fault = { kind: 'pass' };
  let cuts = 0;

  // Half-open, so that one side's end is passed on behind the bytes before it, and the answer to it still comes through.
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ ...serverOf(), allowHalfOpen: true });
    const link: Link = new Link(client, server, {
      onCut() {
        cuts += 1;
      },
      onGone: () => links.delete(link),
    });
    links.add(link);
    link.set(fault);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return links.size;
    },
    get cuts() {
      return cuts;
    },
    set(next) {
      fault = next;
      for (const link of [...links]) link.set(next);
    },
    async close() {
      const closed = once(listener, 'close');
      listener.close();
      for (const link of [...links]) link.reset();
      await closed;
    },
  };
}

/** One client connection and its connection to the server. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #requests: Pipe;
  readonly #answers: Pipe;

  constructor(client: Socket, server: Socket, { onCut, onGone }: { onCut(): void; onGone(): void }) {
    this.#client = client;
    this.#server = server;
    const cut = (): void => {
      if (client.destroyed && server.destroyed) return;
      onCut();
      this.reset();
    };
    this.#requests = new Pipe(client, server, cut);
    this.#answers = new Pipe(server, client, cut);
    for (const socket of [client, server]) {
      socket.setNoDelay();
      // One side's failure is the other's.
      socket.on('error', () => this.reset());
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) onGone();
      });
    }
  }

  set(fault: Fault): void {
    if (fault.kind === 'reset') {
      this.reset();
      return;
    }
    this.#requests.set(fault, 'requests');
    this.#answers.set(fault, 'answers');
  }

  reset(): void {
    for (const socket of [this.#client, this.#server]) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }
}

/** One direction of a link. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #cut: () => void;
  #frozen = false;
  #delayMs = 0;
  #dropping = false;
  #bytesLeft = Number.POSITIVE_INFINITY;

  constructor(from: Socket, to: Socket, cut: () => void) {
    this.#from = from;
    this.#to = to;
    this.#cut = cut;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('end', () => this.#later(() => to.end()));
    to.on('drain', () => this.#flow());
  }

  set(fault: Fault, direction: Direction): void {
    this.#frozen = fault.kind === 'freeze';
    this.#flow();
    this.#delayMs = fault.kind === 'delay' ? fault.delayMs : 0;
    this.#bytesLeft =
      fault.kind === 'cut' && fault.direction === direction ? fault.afterBytes : Number.POSITIVE_INFINITY;
    this.#dropping ||= fault.kind === (direction === 'answers' ? 'drop-answers' : 'drop-requests');
  }

  #flow(): void {
    if (this.#frozen || this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  #take(chunk: Buffer): void {
    if (this.#dropping) return;
    const passing = chunk.subarray(0, this.#bytesLeft);
    const cut = passing.length < chunk.length;
    this.#bytesLeft -= passing.length;
    if (passing.length > 0) this.#later(() => this.#send(passing));
    if (cut) this.#later(this.#cut);
  }

  #later(run: () => void): void {
    if (this.#delayMs > 0) setTimeout(run, this.#delayMs);
    else run();
  }

  #send(bytes: Buffer): void {
    if (this.#to.writable) this.#to.write(bytes);
    this.#flow();
  }
}
