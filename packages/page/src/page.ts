import type { LinkJson } from '@lakh/api';
import { escapeHtml, htmlPage } from '@lakh/http';

/** What the visitor typed, to be shown again beside an error. Never the token. */
export interface FormValues {
  readonly long_url: string;
  readonly alias: string;
  readonly expires_at: string;
}

export interface PageModel {
  readonly values: FormValues;
  /** Messages by field name; `form` is for the request as a whole. */
  readonly errors: Readonly<Record<string, string>>;
  readonly created?: LinkJson;
  /** Whether this server asks for an API token. */
  readonly needsToken: boolean;
}

export const EMPTY_FORM: FormValues = { long_url: '', alias: '', expires_at: '' };

/** What each field is called. */
const LABELS = {
  long_url: 'Long address',
  token: 'API key or token',
  alias: 'Short name',
  expires_at: 'End date',
} as const;
type FieldName = keyof typeof LABELS;

/** What is wrong with a field, as a sentence of its own: a reason has no subject. */
export function fieldError(name: string, reason: string): string {
  const subject =
    name in LABELS
      ? `The ${LABELS[name as FieldName].replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}`
      : name;
  return `${subject} ${reason}.`;
}

interface Field {
  readonly name: FieldName;
  readonly hint?: string;
  readonly attributes: string;
  readonly value?: string;
}

/** How much of a target is shown; its host comes first, and a pointer's tip has all of it. */
const TARGET_SHOWN_MAX = 80;

/** The whole page. A form that a browser posts by itself, so that nothing here depends on a script. */
export function renderPage({ values, errors, created, needsToken }: PageModel): string {
  const failed = Object.keys(errors).length > 0;
  // Where the visitor goes on: at the result, at the first field in error, or at the start.
  const focused = created
    ? undefined
    : (['long_url', 'token', 'alias', 'expires_at'].find((name) => errors[name]) ?? 'long_url');
  const advancedOpen = values.alias !== '' || values.expires_at !== '' || errors.alias || errors.expires_at;

  function field({ name, hint, attributes, value = '' }: Field): string {
    const error = errors[name];
    const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
    const all = `id="${name}" name="${name}" ${attributes}${described ? ` aria-describedby="${described}"` : ''}${
      error ? ' aria-invalid="true"' : ''
    }${focused === name ? ' autofocus' : ''}`;
    const optional = name === 'alias' || name === 'expires_at' ? ' (optional)' : '';
    return `<div>
<label for="${name}">${LABELS[name]}${optional}</label>
${name === 'long_url' ? `<textarea ${all}>\n${escapeHtml(value)}</textarea>` : `<input ${all} value="${escapeHtml(value)}">`}
${hint ? `<p class="hint" id="${name}-hint">${hint}</p>` : ''}
${error ? `<p class="error" id="${name}-error">${escapeHtml(error)}</p>` : ''}
</div>`;
  }

  const token = `${field({ name: 'token', attributes: 'type="password" required autocomplete="off"' })}
<div id="keep" hidden><label><input type="checkbox" id="keep-token">Keep the token in this browser</label></div>`;
  return htmlPage({
    title: `${failed ? 'Error: ' : ''}${created ? 'Your short link' : 'Shorten a link'}`,
    head: '<link rel="stylesheet" href="/-/page.css">\n<script src="/-/page.js" defer></script>',
    main: `${created ? result(created) : '<h1>Shorten a link</h1>\n<p>Paste a long address, get a short one.</p>'}
<form method="post" action="/-/shorten">
${created ? '<h2>Shorten another one</h2>' : ''}
${errors.form ? `<p class="error" role="alert">${escapeHtml(errors.form)}</p>` : ''}
${field({
  name: 'long_url',
  attributes:
    'rows="1" required inputmode="url" autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="example.com/a/long/address"',
  value: values.long_url,
})}
${needsToken ? token : ''}
<details${advancedOpen ? ' open' : ''}>
<summary>Choose the short name, or an end date</summary>
<div>
${field({
  name: 'alias',
  hint: 'Letters and digits, with - and _ inside.',
  attributes: 'type="text" autocomplete="off" autocapitalize="none" spellcheck="false"',
  value: values.alias,
})}
${field({
  name: 'expires_at',
  hint: 'In UTC.',
  attributes: 'type="datetime-local" autocomplete="off"',
  value: values.expires_at,
})}
</div>
</details>
<button type="submit">Shorten</button>
</form>
<section id="recent" aria-labelledby="recent-title" hidden>
<h2 id="recent-title">Recent links of this browser</h2>
<ul id="recent-links"></ul>
<button type="button" id="forget">Forget them</button>
</section>`,
  });
}

function result({ short_url: short, long_url: long, code, expires_at: until }: LinkJson): string {
  const shown = long.length > TARGET_SHOWN_MAX ? `${long.slice(0, TARGET_SHOWN_MAX - 1)}…` : long;
  // The slash goes with the code, so that a line ends before both.
  const codeAt = short.length - code.length - 1;
  return `<section aria-labelledby="done">
<h1 id="done">Your short link</h1>
<div class="short"><a id="short-url" autofocus href="${escapeHtml(short)}">${escapeHtml(short.slice(0, codeAt))}<span class="code">${escapeHtml(short.slice(codeAt))}</span></a><button type="button" id="copy" hidden>Copy</button></div>
<p class="hint" id="copied" role="status"></p>
<p class="long">It leads to <a id="target" href="${escapeHtml(long)}" title="${escapeHtml(long)}" rel="noreferrer">${escapeHtml(shown)}</a>${
    until ? ` until <time datetime="${until}">${until}</time>` : ''
  }.</p>
</section>`;
}
