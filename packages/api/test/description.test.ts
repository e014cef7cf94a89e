import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApp, createHttpMetrics, createHttpServer, type HttpServer, listen } from '@lakh/http';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { createDescription } from '../src/index.js';

const root = join(__dirname, '..', '..', '..');
const yaml = parse(readFileSync(join(root, 'docs/reference/openapi.yaml'), 'utf8'), { merge: true });

let http: HttpServer;
let url: string;
beforeAll(async () => {
  const face = createDescription({ publicUrl: 'https://go.example' });
  const metrics = createHttpMetrics(new Registry(), ['api']);
  http = createHttpServer({ own: {}, ...createApp({ faces: [face], metrics, onError: () => {} }) });
  ({ url } = await listen(http, { host: '127.0.0.1', port: 0 }));
});
afterAll(() => http.drain(0));

describe('the API’s description, as it is served', () => {
  test('is the one that docs/reference has (`node scripts/write-reference.mjs` writes it)', () => {
    expect(JSON.parse(readFileSync(join(__dirname, '..', 'openapi.json'), 'utf8'))).toEqual(yaml);
  });

  test('names this server as its own, and no path of another listener', async () => {
    const response = await fetch(`${url}/api/v1/openapi.json`);
    const served = await response.json();
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(served.servers).toEqual([{ url: 'https://go.example' }]);
    expect(Object.keys(yaml.paths).filter((path) => !(path in served.paths))).toEqual([
      '/healthz/live',
      '/healthz/ready',
      '/metrics',
    ]);
    expect(served.tags.map(({ name }: { name: string }) => name)).not.toContain('admin');
  });

  test.each(['/api/v1/openapi.json', '/api/v1/docs'])('%s may be kept, and is 304 to who has it', async (path) => {
    const first = await fetch(url + path);
    await first.arrayBuffer();
    const etag = first.headers.get('etag') as string;
    expect(first.headers.get('cache-control')).toBe('public, max-age=300');
    const again = (tag: string) => fetch(url + path, { headers: { 'if-none-match': tag } });
    const second = await again(`"other", W/${etag}`);
    expect([second.status, await second.text()]).toEqual([304, '']);
    expect((await again('"other"')).status).toBe(200);
  });

  test('is a page with every operation, field, error and example, and without a script', async () => {
    const response = await fetch(`${url}/api/v1/docs`);
    const page = await response.text();
    const policy = response.headers.get('content-security-policy') as string;
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] as string;
    expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(policy).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|\son\w+=|style=/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
    expect(targets.filter((target) => !ids.includes(target))).toEqual([]);

    const { wanted, examples } = partsOf(yaml);
    const text = page.replace(/<[^>]+>/g, '').replace(/&(lt|gt|quot|#39|amp);/g, (_, name) => ENTITIES[name] as string);
    expect([...wanted].filter((part) => !text.includes(part))).toEqual([]);
    const squeezed = text.replace(/\s/g, '');
    expect(examples.filter((example) => !squeezed.includes(JSON.stringify(example).replace(/\s/g, '')))).toEqual([]);
  });
});

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

/** Names and words that a reader looks for, and examples, wherever they are in the description. */
function partsOf(description: typeof yaml): { wanted: Set<string>; examples: unknown[] } {
  const wanted = new Set<string>(description.components.schemas.ProblemCode.enum);
  const examples: unknown[] = [];
  function walk(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'properties') for (const name of Object.keys(inner)) wanted.add(name);
      if (key === 'examples' && !Array.isArray(inner)) {
        for (const example of Object.values<{ value: unknown }>(inner)) examples.push(example.value);
      } else walk(inner);
      if (typeof inner === 'string' && /^(description|summary)$/.test(key)) {
        wanted.add(inner.trim().replaceAll('`', ''));
      }
    }
  }
  for (const [path, item] of Object.entries<Record<string, unknown>>(description.paths)) {
    if ('servers' in item) continue;
    wanted.add(path);
    walk(item);
  }
  for (const kind of ['schemas', 'parameters'] as const) walk(description.components[kind]);
  return { wanted, examples };
}
