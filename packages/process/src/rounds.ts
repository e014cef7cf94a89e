/**
 * Calls `work` every so often, never twice at once, until the returned function is called: that aborts the signal, and waits for the round in
 * hand. A round that rejects is told of, and the next one comes in its turn.
 */
export function startRounds(
  everyMs: number,
  work: (signal: AbortSignal) => Promise<void>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    round ??= work(stopping.signal)
      .catch(onError)
      .finally(() => {
        round = undefined;
      });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    stopping.abort();
    await round;
  };
}
