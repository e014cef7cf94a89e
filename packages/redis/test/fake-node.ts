import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What a server answers a command: RESP; undefined is silence. */
export type Answers = (args: readonly string[]) => string | undefined;

export const OK = '+OK\r\n';
export const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
export const array = (...parts: readonly string[]) => `*${parts.length}\r\n${parts.join('')}`;
export const integer = (value: number) => `:${value}\r\n`;
export const replication = (role: string, id = 'a'.repeat(40)) =>
  bulk(`# Replication\r\nrole:${role}\r\nmaster_replid:${id}\r\n`);

/** Speaks enough of Redis's protocol to be taken for one, and says what it is told to. */
export class FakeNode {
  /** What it answers beside a master's greetings. */
  answers: Answers = () => undefined;
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let rest = '';
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      socket.on('data', (chunk) => {
        rest += chunk.toString('latin1');
        for (let found = readCommand(rest); found !== undefined; found = readCommand(rest)) {
          rest = rest.slice(found.length);
          this.asked.push(found.args.join(' '));
          const answer = this.answers(found.args) ?? greet(found.args);
          if (answer !== undefined && answer !== '') socket.write(answer);
        }
      });
    });
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this.port;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends the connections that there are. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}

function greet([command = '', ...rest]: readonly string[]): string | undefined {
  switch (command.toUpperCase()) {
    case 'HELLO':
      return `%1\r\n${bulk('proto')}${integer(3)}`;
    case 'PING':
      return '+PONG\r\n';
    case 'CLIENT':
    case 'SELECT':
      return OK;
    case 'INFO':
      return rest[0] === 'replication' ? replication('master') : undefined;
    default:
      return undefined;
  }
}

function readCommand(text: string): { readonly args: string[]; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  const args: string[] = [];
  let at = head[0].length;
  while (args.length < Number(head[1])) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (size === null) return undefined;
    at += size[0].length;
    const end = at + Number(size[1]);
    if (text.length < end + 2) return undefined;
    args.push(text.slice(at, end));
    at = end + 2;
  }
  return { args, length: at };
}
