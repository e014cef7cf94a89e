/** The same operations, asked of a running server's admin listener. */
import { OPERATIONS, type OperationName, type Operations } from '@lakh/operations';
import { RemoteError, ServerUnreachableError } from './errors.js';

/** Reading a ledger of millions of rows takes a while. */
const DEADLINE_MS = 120_000;
const HELLO_DEADLINE_MS = 2_000;

/** Operations at `url`, the admin listener's. Every call rejects with what the server refused, or {@link ServerUnreachableError}. */
export function remoteOperations(url: string): Operations {
  const call = (name: OperationName) => (argument?: unknown) => ask(url, name, argument ?? {}, DEADLINE_MS);
  const names = Object.keys(OPERATIONS) as OperationName[];
  // Each entry has the type of its name; TypeScript cannot see that through the loop.
  return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as Operations;
}

/** What the server at `url` says it works on; undefined when nobody answers there, or somebody who has no such operations. */
export async function systemAt(url: string): Promise<string | undefined> {
  try {
    const system = await ask(url, 'system', {}, HELLO_DEADLINE_MS);
    return typeof system === 'string' ? system : undefined;
  } catch (error) {
    if (error instanceof ServerUnreachableError) return undefined;
    throw error;
  }
}

async function ask(url: string, name: OperationName, argument: unknown, deadlineMs: number): Promise<unknown> {
  const text = JSON.stringify(argument);
  const signal = AbortSignal.timeout(deadlineMs);
  const isWrite = OPERATIONS[name] === 'writes';
  let body: { readonly answer?: unknown; readonly error?: { readonly code?: unknown; readonly message?: unknown } };
  try {
    const response = isWrite
      ? await fetch(`${url}/ops/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: text,
          signal,
        })
      : await fetch(`${url}/ops/${name}?argument=${encodeURIComponent(text)}`, { signal });
    body = (await response.json()) as typeof body;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const doubt = isWrite ? '; it may have done it all the same: look with lakh ranges check' : '';
    throw new ServerUnreachableError(`the server at ${url} did not answer: ${reason}${doubt}`, { cause: error });
  }
  if (body.error !== undefined) throw new RemoteError(String(body.error.code), String(body.error.message));
  if (!('answer' in body))
    throw new ServerUnreachableError(`what listens at ${url} is no server of Lakh, or an older one`);
  return body.answer;
}
