import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A server that speaks just enough of ZooKeeper's protocol to answer in ways that a real one seldom does. */
export interface FakeZookeeper {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  close(): Promise<void>;
}

export interface FakeBehaviour {
  /** Milliseconds granted in the connect answer; 0 says "expired". Undefined: never answers. */
  readonly grantMs?: number | undefined;
  /** Called for every request after the connect request, except pings and the session's close. */
  onRequest?(reply: Reply): void;
}

export interface Reply {
  readonly connection: number;
  readonly type: number;
  readonly xid: number;
  readonly socket: Socket;
  /** A reply header with this error code and no body. */
  error(code: number): void;
}

const PING = 11;
const CLOSE_SESSION = -11;

export async function startFakeZookeeper(behaviour: FakeBehaviour): Promise<FakeZookeeper> {
  let accepted = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = ++accepted;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let pending = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk as Buffer]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const body = pending.subarray(4, 4 + pending.readInt32BE(0));
        pending = pending.subarray(4 + body.length);
        if (!greeted) {
          greeted = true;
          if (behaviour.grantMs !== undefined) socket.write(frame(connectAnswer(behaviour.grantMs)));
          continue;
        }
        const xid = body.readInt32BE(0);
        const type = body.readInt32BE(4);
        if (type === PING) socket.write(frame(header(-2, 0)));
        else if (type === CLOSE_SESSION) socket.end();
        else
          behaviour.onRequest?.({
            connection,
            type,
            xid,
            socket,
            error: (code) => socket.write(frame(header(xid, code))),
          });
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function frame(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

export function header(xid: number, error: number): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeInt32BE(xid, 0);
  buffer.writeInt32BE(error, 12);
  return buffer;
}

function connectAnswer(timeoutMs: number): Buffer {
  const buffer = Buffer.alloc(4 + 4 + 8 + 4 + 16);
  buffer.writeInt32BE(timeoutMs, 4);
  buffer.writeInt32BE(7, 12);
  buffer.writeInt32BE(16, 16);
  return buffer;
}
