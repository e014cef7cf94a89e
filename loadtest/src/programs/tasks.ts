/** A measuring process's side of worker.ts. It loads nothing: each of some thirty processes of a pass would. */
import type { Sample } from '../bench/figures.js';

/** What a measuring process is asked: the program knows what `seconds` and `callers` mean to it. */
export interface WorkerTask {
  readonly seconds: number;
  readonly callers: number;
}

export type WorkerAnswer<A> = { readonly ok: A } | { readonly failed: string };

/** In a measuring process: what its first argument names. */
export function chosenVariant<V>(variants: Readonly<Record<string, V>>): V {
  const [name = ''] = process.argv.slice(2);
  const variant = variants[name];
  if (variant === undefined) throw new Error(`no such variant: ${name}`);
  return variant;
}

/** Measures each task that arrives, and lets the process end when the channel closes. */
export function serveTasks<A = Sample>(
  measure: (task: WorkerTask) => Promise<A>,
  close: () => Promise<void> = async () => {},
): void {
  process.on('message', (task: WorkerTask) => {
    measure(task).then(
      (ok) => process.send?.({ ok } satisfies WorkerAnswer<A>),
      (error: unknown) => process.send?.({ failed: String(error) } satisfies WorkerAnswer<A>),
    );
  });
  process.once('disconnect', () => void close().finally(() => process.exit(0)));
}
