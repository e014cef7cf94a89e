/** How a server ends without a request being lost that somebody has sent, as far as that is in its hands. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connections } from './connections.js';

/**
 * A kept connection may have its next request on the way, and whoever sent that cannot know whether it was taken: it is answered, and told
 * to go. What has sent nothing for so long after the drain began is closed; the gateway gives up idle connections in a third of it.
 */
const IDLE_GRACE_MS = 1500;
const GRACE_PART_OF_LIMIT = 1 / 4;

/** What is connected after the last look and before the listener's end is lost: a turn of the loop that takes so little time is a good one. */
const QUIET_TURN_MS = 0.1;
/** A busy server has none, and ends its listener all the same. */
const QUIET_WITHIN_MS = 500;

export interface DrainSteps {
  /** From now on each answer ends its connection. */
  onDraining(): void;
  /** Idle connections end at once, and so must the ones that become idle. */
  onClosingIdle(): void;
}

/**
 * First the listener goes, while clients are content with the connections that they have: told to go, they would come back at once by new
 * ones, and what the system has accepted for a listener that ends is reset. Resolves with how many connections were cut after `limitMs`.
 */
export async function drainServer(
  server: Server,
  connections: Connections,
  limitMs: number,
  { onDraining, onClosingIdle }: DrainSteps,
): Promise<{ readonly cut: number }> {
  const graceMs = Math.min(IDLE_GRACE_MS, limitMs * GRACE_PART_OF_LIMIT);
  // One that is given its connections has none; whoever gives them has stopped.
  const { listening } = server;
  if (listening) await endListener(server, graceMs);
  onDraining();
  connections.announceEnd();
  await connections.noneLeft(graceMs);
  // After a poll what has arrived has been read, and its connection is idle no more.
  await nextTurn();
  onClosingIdle();
  // Node says that a server has closed once its last connection has, and what looks after connections ends then; of those that it was given it knows nothing.
  if (listening) server.close();
  else server.closeIdleConnections();
  connections.endSilent();
  await connections.noneLeft(limitMs - graceMs);
  const cut = connections.size;
  server.closeAllConnections();
  connections.cut();
  if (!listening) server.close();
  return { cut };
}

/** Accepts whom the system has connected already, for `limitMs` at most, and nobody after that. */
export async function endListener(server: NetServer, limitMs: number): Promise<void> {
  await quietTurn(server, limitMs);
  // Not node:http's own, which closes idle connections at once.
  NetServer.prototype.close.call(server);
}

/**
 * Resolves right after a poll that found no connection and, if there is such a one soon, next to nothing else to do; after `limitMs` in any
 * case. Node accepts one connection a turn, and clients are connected before it does: those that wait are all accepted first.
 */
async function quietTurn(server: NetServer, limitMs: number): Promise<void> {
  const beganMs = performance.now();
  let accepted = 0;
  const count = () => {
    accepted += 1;
  };
  server.on('connection', count);
  for (;;) {
    const [before, turnMs] = [accepted, performance.now()];
    await nextTurn();
    const nowMs = performance.now();
    const isQuiet = nowMs - turnMs < QUIET_TURN_MS || nowMs - beganMs > QUIET_WITHIN_MS;
    if ((accepted === before && isQuiet) || nowMs - beganMs > limitMs) break;
  }
  server.off('connection', count);
}
