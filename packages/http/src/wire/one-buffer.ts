import { Socket } from 'node:net';

/**
 * Told of bytes that have come, at the beginning of a buffer that others are read into next.
 */
export type OnRead = (length: number, buffer: Buffer) => void;

interface Parts {
  readonly buffer: symbol;
  readonly onRead: symbol;
}

interface Handle {
  useUserBuffer(buffer: Buffer): void;
}

/**
 * Has what comes on a connection read into a buffer that many have in common, where Node would make one of 64 KiB for each read: `onread` of net.connect(),
 * which Node documents of connections that it opens, and has in the same class for those that it accepts, but takes no option for.
 */
export class OneBuffer {
  readonly #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  readonly #parts = partsOfSockets();

  /** @returns false where this Node has it in another way: nothing was done, and the socket's bytes come as its `data` */
  read(socket: Socket, onRead: OnRead): boolean {
    const { _handle: handle } = socket as unknown as { readonly _handle?: Partial<Handle> | null };
    if (this.#parts === undefined || typeof handle?.useUserBuffer !== 'function') return false;
    this.#tell(socket, this.#buffer, onRead);
    handle.useUserBuffer(this.#buffer);
    return true;
  }

  /** From now on its bytes come as its `data`, to whoever listens. */
  release(socket: Socket): void {
    this.#tell(socket, this.#buffer, (length, buffer) => socket.push(Buffer.from(buffer.subarray(0, length))));
  }

  #tell(socket: Socket, buffer: Buffer, onRead: (length: number, buffer: Buffer) => unknown): void {
    const { buffer: bufferPart, onRead: onReadPart } = this.#parts as Parts;
    Object.assign(socket, { [bufferPart]: buffer, [onReadPart]: onRead });
  }
}

function partsOfSockets(): Parts | undefined {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const named = (name: string) => symbols.find(({ description }) => description === name);
  const [buffer, onRead] = [named('kBuffer'), named('kBufferCb')];
  return buffer && onRead && { buffer, onRead };
}
