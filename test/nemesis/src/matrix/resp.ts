import { once } from 'node:events';
import { connect } from 'node:net';

const DEADLINE_MS = 5_000;

/** Sends one command to a Redis of this machine on a connection of its own; resolves with its answer as the protocol has it, rejects with a refusal. */
export async function respCommand(port: number, password: string, command: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error(`Redis did not answer within ${DEADLINE_MS} ms`)));
  await once(socket, 'connect');
  const commands = [['AUTH', password], command, ['QUIT']];
  socket.write(commands.map((each) => `*${each.length}\r\n${each.map(bulk).join('')}`).join(''));
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  const refusal = /^-(.*)$/m.exec(text)?.[1];
  if (refusal !== undefined) throw new Error(refusal);
  return text;
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
