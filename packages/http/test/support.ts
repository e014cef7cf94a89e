import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createHttpServer, type HttpServer, type HttpServerOptions, listen } from '../src/index.js';

export interface Running extends HttpServer {
  readonly port: number;
}

/** A server on a free port of loopback, which is called x there. */
export async function startServer(
  options: Omit<HttpServerOptions, 'own'> & Partial<HttpServerOptions>,
): Promise<Running> {
  const http = createHttpServer({ own: { hosts: ['x'] }, ...options });
  const { port } = await listen(http, { host: '127.0.0.1', port: 0 });
  return {
    server: http.server,
    drain: http.drain,
    port,
    get inFlight() {
      return http.inFlight;
    },
  };
}

/** A raw connection that remembers everything it has received. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;

  /** @param from an address of loopback: another client, to a server */
  constructor(port: number, from = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: from });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.received += text;
    });
    // A reset is a way of closing here, not a failure of the test.
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve());
    });
  }

  async connected(): Promise<this> {
    if (this.socket.connecting) await once(this.socket, 'connect');
    return this;
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves once `pattern` has come. */
  async sees(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.received)}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return this.received;
  }

  /** Everything up to the end of the connection. */
  async all(): Promise<string> {
    await this.closed;
    return this.received;
  }

  get statuses(): number[] {
    return [...this.received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]));
  }
}
