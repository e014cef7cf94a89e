/** Real links for a benchmark, through the HTTP API. */

const CALLERS = 32;
const REQUEST_DEADLINE_MS = 10_000;

/** The target of the `index`-th link: as long as a usual article's address, all of one length. */
export function targetUrl(index: number): string {
  return `https://example.org/articles/2026/a-title-of-usual-length?id=${String(index).padStart(8, '0')}`;
}

/** Creates `count` links to {@link targetUrl}; resolves with their codes in order. */
export async function createLinks(url: string, count: number): Promise<string[]> {
  const codes: string[] = new Array(count);
  await eachOf(count, async (index) => {
    const response = await fetch(`${url}/api/v1/urls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ long_url: targetUrl(index) }),
      signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
    });
    if (response.status !== 201) throw new Error(`a create answered ${response.status}: ${await response.text()}`);
    codes[index] = ((await response.json()) as { code: string }).code;
  });
  return codes;
}

/** Follows each code once and checks its answer: afterwards L1 holds them all. */
export async function warmLinks(url: string, codes: readonly string[]): Promise<void> {
  await eachOf(codes.length, async (index) => {
    const response = await fetch(`${url}/${codes[index]}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
    });
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (response.status !== 301 || location !== targetUrl(index)) {
      throw new Error(`${url}/${codes[index]} answered ${response.status} ${location}, not 301 ${targetUrl(index)}`);
    }
  });
}

async function eachOf(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(CALLERS, count) }, async () => {
      for (let index = next++; index < count; index = next++) await run(index);
    }),
  );
}
