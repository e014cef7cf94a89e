import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser, findChromium, type Page } from '../support/browser.js';
import { ask, create } from '../support/http.js';
import { type Standalone, startStandalone } from '../support/standalone.js';

// The page in a browser: by keyboard alone, with and without scripts, in light and dark.
jest.setTimeout(60_000);

const chromium = findChromium();
if (chromium === undefined)
  process.stderr.write('page.system.test: skipped, there is no chromium (apt-get install chromium)\n');
const withBrowser = chromium === undefined ? describe.skip : describe;

const TARGET = 'https://example.com/a?b=c&d=%22';

withBrowser('the page in Chromium', () => {
  let server: Standalone;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startStandalone(), Browser.start(chromium as string)]);
  });
  afterAll(async () => {
    await browser?.stop();
    await server?.stop();
  });

  /** Complaints other than of a 4xx page, which the browser logs as a failed load. */
  const complaintsOf = (page: Page): string[] =>
    page.complaints.filter((each) => !each.includes('the server responded with a status of 4'));
  async function openAtStart(options: { readonly scripts: boolean; readonly dark?: boolean }): Promise<Page> {
    const page = await browser.openPage(options);
    await page.call('Emulation.setTimezoneOverride', { timezoneId: 'Asia/Kolkata' });
    await startAgain(page);
    return page;
  }

  async function startAgain(page: Page): Promise<void> {
    await page.goto(server.url);
    await page.focused('long_url');
  }

  describe.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('%s', (_name, scripts) => {
    test('shortens by keyboard alone, and the focus is on the short link then', async () => {
      const page = await openAtStart({ scripts });
      await page.type(TARGET);
      await page.press('Tab');
      await page.focused('summary');
      await page.press('Space');
      await page.press('Tab');
      await page.focused('alias');
      const alias = `by-keyboard-${scripts}`;
      await page.type(alias);
      await page.press('Tab');
      await page.focused('expires_at');
      await page.evaluate('document.getElementById("expires_at").value = "2999-01-01T00:00"');
      await page.pressUntil('Tab', 'button');
      await page.loading(() => page.press('Enter'));

      expect(await page.evaluate('document.title')).toBe('Your short link – Lakh');
      await page.focused('short-url');
      expect(await page.accessible('#short-url')).toMatchObject({ role: 'link', name: `${server.url}/${alias}` });
      expect(await page.accessible('section')).toMatchObject({ role: 'region', name: 'Your short link' });
      expect((await ask(server.port, `/${alias}`)).headers.location).toBe(TARGET);
      expect((await ask(server.port, `/api/v1/urls/${alias}`)).json().expires_at).toBe(
        scripts ? '2998-12-31T18:30:00.000Z' : '2999-01-01T00:00:00.000Z',
      );
      expect(await page.evaluate('document.getElementById("copy").hidden')).toBe(!scripts);
      // A reload shows it again, and makes no other.
      await page.loading(() => page.call('Page.reload'));
      expect(await page.evaluate('location.pathname')).toBe(`/-/made/${alias}`);
      expect(complaintsOf(page)).toEqual([]);
    });

    test('an error is at its field: focused, invalid, described, and what was typed is still there', async () => {
      const page = await openAtStart({ scripts });
      await page.type(TARGET);
      for (const key of ['Tab', 'Space', 'Tab'] as const) await page.press(key);
      await page.type('-not-an-alias-');
      await page.loading(() => page.press('Enter'));

      expect(await page.evaluate('document.title')).toMatch(/^Error: /);
      await page.focused('alias');
      const field = await page.accessible('#alias');
      expect(field).toMatchObject({ role: 'textbox', name: 'Short name (optional)', properties: { invalid: 'true' } });
      expect(field.description).toMatch(/Letters and digits.*The short name must be of/);
      expect((await page.accessible('#long_url')).properties.invalid).not.toBe('true');
      expect(await page.evaluate('document.getElementById("long_url").value')).toBe(TARGET);
      expect(complaintsOf(page)).toEqual([]);
    });
  });

  test('every input has a label of its own, a language and one main heading are there', async () => {
    const page = await openAtStart({ scripts: true });
    const labels = await page.evaluate<[string, string][]>(
      '[...document.querySelectorAll("input, textarea")].map((i) => [i.id, [...i.labels].map((l) => l.textContent).join("|")])',
    );
    expect(labels).toEqual([
      ['long_url', 'Long address'],
      ['alias', 'Short name (optional)'],
      ['expires_at', 'End date (optional)'],
    ]);
    expect(
      await page.evaluate('[document.documentElement.lang, document.querySelectorAll("h1, main").length]'),
    ).toEqual(['en', 2]);
    expect((await page.accessible('#long_url')).properties.required).toBe(true);
  });

  test('the copy button says what it did', async () => {
    const page = await browser.openPage({ scripts: true });
    await page.call('Browser.grantPermissions', { permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite'] });
    await startAgain(page);
    await page.type(TARGET);
    await page.loading(() => page.press('Enter'));
    await page.focused('short-url');
    await page.press('Tab');
    await page.focused('copy');
    await page.press('Enter');
    const told = `new Promise((resolve) => {
      const told = document.getElementById('copied');
      const check = () => told.textContent ? resolve(told.textContent) : requestAnimationFrame(check);
      check();
    })`;
    expect(await page.evaluate(told)).toMatch(/^Copied\.$|refused by the browser/);
    expect((await page.accessible('#copied')).role).toBe('status');
    expect(complaintsOf(page)).toEqual([]);
  });

  test('a line break inside what is pasted is refused, and not turned into a blank', async () => {
    const page = await openAtStart({ scripts: true });
    await page.type('https://example.com/one\nhttps://example.com/two');
    await page.loading(() => page.press('Enter'));
    expect(await page.evaluate('document.getElementById("long_url-error").textContent')).toMatch(
      /^The long address has a line break/,
    );
    expect(await page.evaluate('document.getElementById("long_url").value')).toContain('one\nhttps');
  });

  test('remembers the links of this browser, and forgets them when asked to', async () => {
    const page = await openAtStart({ scripts: true });
    const shown = () =>
      page.evaluate<string[]>(
        '[...document.querySelectorAll("#recent:not([hidden]) li")].map((item) => item.textContent)',
      );
    expect(await shown()).toEqual([]);
    await page.type('example.com/<b>first');
    await page.loading(() => page.press('Enter'));
    // The one that has just been made is above already.
    expect(await shown()).toEqual([]);
    await startAgain(page);
    const [first = ''] = await shown();
    expect(first).toMatch(/^127\.0\.0\.1:\d+\/[0-9A-Za-z]+ → https:\/\/example\.com\/%3Cb%3Efirst$/);
    await page.evaluate('document.getElementById("forget").click()');
    expect(await shown()).toEqual([]);
    await startAgain(page);
    expect(await shown()).toEqual([]);
    await page.evaluate('localStorage.setItem("lakh.recent", \'[{"short":"javascript:x","long":1},null]\')');
    await startAgain(page);
    expect(await shown()).toEqual([]);
    expect(complaintsOf(page)).toEqual([]);
  });

  test('keeps the token in the browser when it is asked to, and no longer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lakh-page-'));
    const tokens = join(folder, 'tokens');
    writeFileSync(tokens, `ci:${createHash('sha256').update('a-token').digest('hex')}\n`, { mode: 0o600 });
    const guarded = await startStandalone({ env: { LAKH_API_TOKENS_FILE: tokens } });
    try {
      const page = await browser.openPage({ scripts: true });
      const fill = (expression: string) =>
        page.evaluate(`{ const at = (id) => document.getElementById(id); ${expression} }`);
      const submit = () => page.loading(() => page.evaluate('document.forms[0].requestSubmit()'));
      const known = () => page.evaluate<string>('document.getElementById("token").value');
      await page.goto(guarded.url);
      await fill('at("long_url").value = "example.com"; at("token").value = "a-token"');
      await submit();
      expect(await page.evaluate('document.title')).toContain('Your short link');
      expect(await known()).toBe('');
      await fill(
        'at("long_url").value = "example.com"; at("token").value = "a-token"; at("keep-token").checked = true',
      );
      await submit();
      expect(await known()).toBe('a-token');
      await fill('at("long_url").value = "example.com"; at("keep-token").checked = false');
      await submit();
      expect(await page.evaluate('document.title')).toContain('Your short link');
      expect(await known()).toBe('');
    } finally {
      await guarded.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    ['light', false],
    ['dark', true],
  ])('every page is accessible (axe), named and no wider than a small screen, in %s', async (_name, dark) => {
    const alias = `alias-of-64-characters-${dark}`.padEnd(64, '-and-more');
    const longUrl = `https://example.com/${'x'.repeat(1000)}`;
    await create(server.port, { long_url: longUrl, alias, expires_at: '2999-01-01T00:00:00Z' });
    const gone = (await create(server.port, { long_url: TARGET })).json().code;
    await ask(server.port, `/api/v1/urls/${gone}`, { method: 'DELETE' });
    const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
    const page = await browser.openPage({ scripts: true, dark });
    await page.call('Emulation.setDeviceMetricsOverride', {
      width: 360,
      height: 640,
      deviceScaleFactor: 1,
      mobile: false,
    });
    for (const path of ['/', `/-/made/${alias}`, '/', '/nothing-here', `/${gone}`, '/a/b', '/-/shorten']) {
      await page.goto(`${server.url}${path}`);
      await page.evaluate(axe);
      const violations = 'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))';
      expect([path, await page.evaluate(violations)]).toEqual([path, []]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      expect(await page.evaluate('document.title')).toMatch(/ – Lakh$/);
      expect(await page.evaluate('document.querySelector("header a[href=\'/\']").textContent')).toBe('Lakh');
      const [ground = 0] = await page.evaluate<number[]>(
        'getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)',
      );
      expect([path, ground < 128]).toEqual([path, dark]);
    }
    expect(complaintsOf(page)).toEqual([]);
  });

  test('a script that gets into the page all the same does not run', async () => {
    const page = await openAtStart({ scripts: true });
    const inject =
      'const s = document.createElement("script"); s.textContent = "window.ran = true"; document.body.append(s);';
    expect(await page.evaluate(`${inject} String(window.ran)`)).toBe('undefined');
    // Also the proof that the other tests would have heard of a violation.
    expect(complaintsOf(page).join()).toContain('Content Security Policy');
  });

  test.each([
    ['light', false],
    ['dark', true],
  ])('text stands out from its ground in %s (4.5 : 1), and so do the inputs (3 : 1)', async (_name, dark) => {
    const page = await openAtStart({ scripts: true, dark });
    await page.type('https://user:password@example.com/');
    await page.loading(() => page.press('Enter'));
    const onError = await page.evaluate<Contrast[]>(CONTRASTS);
    await startAgain(page);
    await page.type(TARGET);
    await page.loading(() => page.press('Enter'));
    const onResult = await page.evaluate<Contrast[]>(CONTRASTS);
    expect(onError.some(({ what }) => what.includes('must not hold'))).toBe(true);
    expect(onResult.some(({ what }) => what.includes(server.url))).toBe(true);
    expect([...onError, ...onResult].filter(({ ratio, least }) => ratio < least)).toEqual([]);
    const [ground = 0] = await page.evaluate<number[]>(
      'getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)',
    );
    expect(ground < 128).toBe(dark);
  });
});

interface Contrast {
  readonly what: string;
  readonly ratio: number;
  readonly least: number;
}

/** Runs in the page: the contrast (WCAG 2.2, 1.4.3 and 1.4.11) of every text, placeholder and input border that can be seen. */
const CONTRASTS = `(() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
  const groundOf = (element) => {
    if (!element) return [255, 255, 255];
    const colour = parse(getComputedStyle(element).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, groundOf(element.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const measure = (what, colour, opacity, ground, least) => {
    const [r, g, b, a] = parse(colour);
    const [one, two] = [light(over([r, g, b, a * opacity], ground)), light(ground)];
    return { what, ratio: (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05), least };
  };
  document.querySelector('details').open = true;
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(element);
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
    if (text && element.checkVisibility()) found.push(measure(text, style.color, Number(style.opacity), groundOf(element), 4.5));
    if (!['input', 'textarea'].includes(element.localName)) continue;
    found.push(measure(element.id + ' border', style.borderTopColor, 1, groundOf(element.parentElement), 3));
    const placeholder = getComputedStyle(element, '::placeholder');
    found.push(measure(element.id + ' placeholder', placeholder.color, Number(placeholder.opacity), groundOf(element), 4.5));
  }
  return found;
})()`;
