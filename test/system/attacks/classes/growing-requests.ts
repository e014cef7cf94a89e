import { Agent, request } from 'node:http';
import { GROWING_REQUESTS, type Sent } from '../../support/growing-requests.js';
import { GROWTH_MAX, growthOf } from '../../support/growth.js';
import type { Attacked, Listener } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { newAddress } from '../wire.js';

/** Four times as long is still within the limits of a head and of a body. */
const LENGTH_MAX = 3_500;

/** Texts that take some readers the square of their length, in whole requests; as far as their limits let them grow. */
export function growingRequests({ gateway, standalone }: Attacked): Attacks {
  const attacks: Attack[] = [];
  for (const at of [gateway, standalone]) {
    for (const [what, of, texts, length] of GROWING_REQUESTS) {
      for (const [kind, textOf] of Object.entries(texts)) {
        const n = Math.min(length, LENGTH_MAX);
        attacks.push({
          what: `${kind} in ${what} at ${at.name}`,
          run: () => growth(at, of(textOf(n)), of(textOf(4 * n))),
        });
      }
    }
  }
  return { attacks, atOnce: 1 };
}

async function growth({ port }: Listener, short: Sent, long: Sent): Promise<string | undefined> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress: newAddress() });
  try {
    const grown = await growthOf(
      () => send(agent, port, short),
      () => send(agent, port, long),
    );
    return grown < GROWTH_MAX ? undefined : `four times as long takes ${grown.toFixed(1)} times as long`;
  } finally {
    agent.destroy();
  }
}

/** Resolves once all of the answer has come, or the connection has ended under a request that is refused. */
function send(agent: Agent, port: number, { method = 'GET', path = '/Q0u', headers = {}, body }: Sent): Promise<void> {
  return new Promise((resolve) => {
    const sent = request({ port, host: '127.0.0.1', agent, method, path, headers }, (response) => {
      response.resume().once('close', resolve);
    });
    sent.once('error', () => resolve());
    sent.end(body);
  });
}
