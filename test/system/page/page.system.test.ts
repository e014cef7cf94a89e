import { Browser, findChromium, type Page } from '../support/browser.js';
import { ask } from '../support/http.js';
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
      await page.type('2999-01-01T00:00:00Z');
      await page.press('Tab');
      await page.focused('button');
      await page.loading(() => page.press('Enter'));

      expect(await page.evaluate('document.title')).toBe('Your short link – Lakh');
      await page.focused('short-url');
      expect(await page.accessible('#short-url')).toMatchObject({ role: 'link', name: `${server.url}/${alias}` });
      expect(await page.accessible('section')).toMatchObject({ role: 'region', name: 'Your short link' });
      expect((await ask(server.port, `/${alias}`)).headers.location).toBe(TARGET);
      expect(await page.evaluate('document.getElementById("copy").hidden')).toBe(!scripts);
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
      expect(field.description).toMatch(/Letters and digits.*Must be of/);
      expect((await page.accessible('#long_url')).properties.invalid).not.toBe('true');
      expect(await page.evaluate('document.getElementById("long_url").value')).toBe(TARGET);
      expect(complaintsOf(page)).toEqual([]);
    });
  });

  test('every input has a label of its own, a language and one main heading are there', async () => {
    const page = await openAtStart({ scripts: true });
    const labels = await page.evaluate<[string, string][]>(
      '[...document.querySelectorAll("input")].map((i) => [i.id, [...i.labels].map((l) => l.textContent).join("|")])',
    );
    expect(labels).toEqual([
      ['long_url', 'Long address'],
      ['alias', 'Short name (optional)'],
      ['expires_at', 'Works until (optional)'],
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
    for (const key of ['Tab', 'Tab', 'Enter'] as const) await page.press(key);
    await page.focused('copy');
    const told = `new Promise((resolve) => {
      const told = document.getElementById('copied');
      const check = () => told.textContent ? resolve(told.textContent) : requestAnimationFrame(check);
      check();
    })`;
    expect(await page.evaluate(told)).toMatch(/^Copied\.$|refused by the browser/);
    expect((await page.accessible('#copied')).role).toBe('status');
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
    expect(onError.some(({ what }) => what.includes('Must not hold'))).toBe(true);
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
    if (element.localName !== 'input') continue;
    found.push(measure(element.id + ' border', style.borderTopColor, 1, groundOf(element.parentElement), 3));
    const placeholder = getComputedStyle(element, '::placeholder');
    found.push(measure(element.id + ' placeholder', placeholder.color, Number(placeholder.opacity), groundOf(element), 4.5));
  }
  return found;
})()`;
