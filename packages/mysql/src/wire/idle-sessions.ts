import type { Session } from './connection.js';

interface Idle {
  readonly session: Session;
  readonly sinceMs: number;
}

/** Open connections that nobody uses. The one used last goes first, so that the fewest are kept busy and the others are known to be idle. */
export class IdleSessions {
  readonly #idle: Idle[] = [];
  readonly #onBroken: (session: Session) => void;

  /** `onBroken` is told of each that breaks while it is here; it is here no more then. */
  constructor(onBroken: (session: Session) => void) {
    this.#onBroken = onBroken;
  }

  add(session: Session): void {
    session.onBroken = () => {
      const place = this.#idle.findIndex((idle) => idle.session === session);
      if (place >= 0) this.#idle.splice(place, 1);
      this.#onBroken(session);
    };
    this.#idle.push({ session, sinceMs: performance.now() });
  }

  take(): { readonly session: Session; readonly idleMs: number } | undefined {
    const idle = this.#idle.pop();
    if (!idle) return undefined;
    idle.session.onBroken = undefined;
    return { session: idle.session, idleMs: performance.now() - idle.sinceMs };
  }

  /** Those that have been idle for at least `idleMs`. */
  takeIdleFor(idleMs: number): readonly Session[] {
    const latestMs = performance.now() - idleMs;
    // They lie in the order in which they came.
    const count = this.#idle.findLastIndex(({ sinceMs }) => sinceMs <= latestMs) + 1;
    return this.#idle.splice(0, count).map(({ session }) => {
      session.onBroken = undefined;
      return session;
    });
  }
}
