import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { within } from './standalone.js';

/** Chromium's DevTools protocol over its own pipe (`--remote-debugging-pipe`): JSON messages that end with a zero byte. */

const CALL_LIMIT_MS = 20_000;
const FOCUS_LIMIT_MS = 5_000;
/** What has the focus, by its id or its name. */
const FOCUSED = 'document.activeElement?.id || document.activeElement?.localName || ""';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export type Params = Readonly<Record<string, unknown>>;

/** The browser's program, if there is one. */
export function findChromium(): string | undefined {
  return ['chromium', 'chromium-browser'].find((name) => spawnSync(name, ['--version']).status === 0);
}

export class Browser {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #calls = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  #lastId = 0;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    let pending = '';
    (child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const messages = (pending + text).split('\0');
      pending = messages.pop() as string;
      for (const each of messages) this.#receive(JSON.parse(each) as Message);
    });
    (child.stdio[3] as Writable).on('error', () => {});
  }

  static async start(program: string): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'lakh-chromium-'));
    const flags = `--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run --mute-audio
      --disable-background-networking --disable-component-update --disable-sync --disable-extensions
      --no-proxy-server --remote-debugging-pipe`;
    const child = spawn(program, [...flags.split(/\s+/), `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const browser = new Browser(child, folder);
    await browser.call('Browser.getVersion');
    return browser;
  }

  #receive(message: Message): void {
    if (message.id === undefined) for (const listener of this.#listeners) listener(message);
    else this.#calls.get(message.id)?.(message);
  }

  async call(method: string, params: Params = {}, sessionId?: string): Promise<Record<string, unknown>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<Message>((resolve) => this.#calls.set(id, resolve));
    const text = JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) });
    (this.#child.stdio[3] as Writable).write(`${text}\0`);
    try {
      const { result, error } = await within(answered, CALL_LIMIT_MS, method);
      if (error) throw new Error(`${method}: ${error.message}`);
      return result ?? {};
    } finally {
      this.#calls.delete(id);
    }
  }

  /** A page of its own, with nothing of the others' cookies. */
  async openPage(options: { readonly scripts: boolean; readonly dark?: boolean }): Promise<Page> {
    const { browserContextId } = await this.call('Target.createBrowserContext');
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId as string, this.#listeners);
    for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility', 'DOM']) await page.call(`${domain}.enable`);
    await page.call('Emulation.setFocusEmulationEnabled', { enabled: true });
    await page.call('Emulation.setScriptExecutionDisabled', { value: !options.scripts });
    const features = [{ name: 'prefers-color-scheme', value: options.dark ? 'dark' : 'light' }];
    await page.call('Emulation.setEmulatedMedia', { features });
    return page;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      await this.call('Browser.close').catch(() => child.kill('SIGKILL'));
      await within(closed, 10_000, 'the end of Chromium').catch(() => child.kill('SIGKILL'));
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** What assistive technology is told of one element. */
export interface AxNode {
  readonly role: string;
  readonly name: string;
  readonly description: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export class Page {
  readonly #browser: Browser;
  readonly #sessionId: string;
  readonly #listeners: Set<(message: Message) => void>;
  /** Everything that the browser complained of: violations of the policy, failed loads, exceptions. */
  readonly complaints: string[] = [];

  constructor(browser: Browser, sessionId: string, listeners: Set<(message: Message) => void>) {
    this.#browser = browser;
    this.#sessionId = sessionId;
    this.#listeners = listeners;
    listeners.add((message) => {
      if (message.sessionId !== sessionId) return;
      if (message.method === 'Log.entryAdded' || message.method === 'Runtime.exceptionThrown') {
        this.complaints.push(JSON.stringify(message.params));
      }
    });
  }

  call(method: string, params: Params = {}): Promise<Record<string, unknown>> {
    return this.#browser.call(method, params, this.#sessionId);
  }

  /** Resolves when the next document has loaded, which `act` has to bring about. */
  async loading(act: () => Promise<unknown>): Promise<void> {
    let listener: (message: Message) => void = () => {};
    const loaded = new Promise<void>((resolve) => {
      listener = ({ sessionId, method }) => {
        if (sessionId === this.#sessionId && method === 'Page.loadEventFired') resolve();
      };
      this.#listeners.add(listener);
    });
    try {
      await act();
      await within(loaded, CALL_LIMIT_MS, 'the page to load');
    } finally {
      this.#listeners.delete(listener);
    }
  }

  goto(url: string): Promise<void> {
    return this.loading(() => this.call('Page.navigate', { url }));
  }

  /** Types text into whatever has the focus. */
  async type(text: string): Promise<void> {
    await this.call('Input.insertText', { text });
  }

  async press(key: 'Tab' | 'Enter' | 'Space'): Promise<void> {
    const codes = { Tab: [9, ''], Enter: [13, '\r'], Space: [32, ' '] } as const;
    const [windowsVirtualKeyCode, text] = codes[key];
    const event = { key: key === 'Space' ? ' ' : key, code: key, windowsVirtualKeyCode };
    await this.call('Input.dispatchKeyEvent', { type: text === '' ? 'rawKeyDown' : 'keyDown', ...event, text });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Presses a key until an element has the focus; a date-time field alone takes several. */
  async pressUntil(key: 'Tab', id: string): Promise<void> {
    for (let presses = 0; presses < 12; presses += 1) {
      await this.press(key);
      if ((await this.evaluate<string>(FOCUSED)) === id) return;
    }
    throw new Error(`${id} did not get the focus`);
  }

  /** Works without the page's own scripts too: the browser's tools are not stopped by that setting. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.call('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: T }; exceptionDetails?: { text: string } };
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }

  /** Resolves once an element has the focus, which `autofocus` gives a moment after the page has loaded. */
  async focused(id: string): Promise<void> {
    const limitMs = performance.now() + FOCUS_LIMIT_MS;
    for (;;) {
      const now = await this.evaluate<string>(FOCUSED);
      if (now === id) return;
      if (performance.now() > limitMs) throw new Error(`the focus is on ${now} and not on ${id}`);
    }
  }

  /** The accessibility tree's word on the first element that a selector finds. */
  async accessible(selector: string): Promise<AxNode> {
    const { root } = (await this.call('DOM.getDocument')) as { root: { nodeId: number } };
    const { nodeId } = await this.call('DOM.querySelector', { nodeId: root.nodeId, selector });
    const { nodes } = (await this.call('Accessibility.getPartialAXTree', { nodeId, fetchRelatives: false })) as {
      nodes: Record<'role' | 'name' | 'description', { value: string } | undefined>[] &
        { properties?: { name: string; value: { value: unknown } }[] }[];
    };
    const [node] = nodes;
    if (node === undefined) throw new Error(`nothing accessible at ${selector}`);
    return {
      role: node.role?.value ?? '',
      name: node.name?.value ?? '',
      description: node.description?.value ?? '',
      properties: Object.fromEntries((node.properties ?? []).map(({ name, value }) => [name, value.value])),
    };
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    return Buffer.from(data as string, 'base64');
  }
}
