/** The same operations, asked of the running server that holds the data file. */
import type { Door } from '@lakh/process';
import { RemoteError, ServerUnreachableError } from './errors.js';
import { SYSTEM_OPERATIONS, type SystemOperations } from './operations-on.js';

type OperationName = keyof SystemOperations;

/** Reading a ledger of millions of rows takes a while. */
const DEADLINE_MS = 120_000;
const HELLO_DEADLINE_MS = 2_000;

/** Operations behind a door. Every call rejects with what the server refused, or {@link ServerUnreachableError}. */
export function remoteOperations(door: Door): SystemOperations {
  const call = (name: OperationName) => (argument?: unknown) => ask(door, name, argument ?? {}, DEADLINE_MS);
  const names = Object.keys(SYSTEM_OPERATIONS) as OperationName[];
  // Each entry has the type of its name; TypeScript cannot see that through the loop.
  return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as SystemOperations;
}

/** What the server behind a door says it works on; undefined when nobody answers there, or somebody whose door it is not. */
export async function systemBehind(door: Door): Promise<string | undefined> {
  try {
    const system = await ask(door, 'system', {}, HELLO_DEADLINE_MS);
    return typeof system === 'string' ? system : undefined;
  } catch (error) {
    if (error instanceof ServerUnreachableError) return undefined;
    throw error;
  }
}

async function ask({ url, token }: Door, name: OperationName, argument: unknown, deadlineMs: number): Promise<unknown> {
  let body: { readonly answer?: unknown; readonly error?: { readonly code?: unknown; readonly message?: unknown } };
  try {
    const response = await fetch(`${url}/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(argument),
      signal: AbortSignal.timeout(deadlineMs),
    });
    body = (await response.json()) as typeof body;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const doubt =
      SYSTEM_OPERATIONS[name] !== 'reads' ? '; it may have done it all the same: look with lakh ranges check' : '';
    throw new ServerUnreachableError(`the server at ${url} did not answer: ${reason}${doubt}`, { cause: error });
  }
  if (body.error !== undefined) throw new RemoteError(String(body.error.code), String(body.error.message));
  if (!('answer' in body))
    throw new ServerUnreachableError(`what listens at ${url} is not the server that holds the data file`);
  return body.answer;
}
