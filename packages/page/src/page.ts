import type { LinkJson } from '@lakh/api';

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
  /** Longest target URL that is accepted, in characters. */
  readonly urlMaxLength: number;
}

export const EMPTY_FORM: FormValues = { long_url: '', alias: '', expires_at: '' };

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly attributes: string;
  readonly value: string;
}

function field({ name, label, hint, attributes, value }: Field, error: string | undefined, hasFocus: boolean): string {
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  return `<div>
<label for="${name}">${escapeHtml(label)}</label>
<input id="${name}" name="${name}" ${attributes} value="${escapeHtml(value)}"${
    described ? ` aria-describedby="${described}"` : ''
  }${error ? ' aria-invalid="true"' : ''}${hasFocus ? ' autofocus' : ''}>
${hint ? `<p class="hint" id="${name}-hint">${escapeHtml(hint)}</p>` : ''}
${error ? `<p class="error" id="${name}-error">${escapeHtml(error)}</p>` : ''}
</div>`;
}

function result(created: LinkJson): string {
  return `<section class="result" aria-labelledby="done">
<h2 id="done">Your short link</h2>
<p class="short"><a id="short-url" autofocus href="${escapeHtml(created.short_url)}">${escapeHtml(created.short_url)}</a></p>
<p>It leads to <a href="${escapeHtml(created.long_url)}" rel="noreferrer">${escapeHtml(created.long_url)}</a>${
    created.expires_at ? ` until <time>${escapeHtml(created.expires_at)}</time>` : ''
  }.</p>
<button type="button" id="copy" hidden>Copy</button>
<p class="hint" id="copied" role="status"></p>
</section>`;
}

/** The whole page. A form that a browser posts by itself, so that nothing here depends on a script. */
export function renderPage({ values, errors, created, needsToken, urlMaxLength }: PageModel): string {
  const failed = Object.keys(errors).length > 0;
  // Where the visitor goes on: at the result, at the first field in error, or at the start.
  const focused = created
    ? undefined
    : (['long_url', 'token', 'alias', 'expires_at'].find((name) => errors[name]) ?? 'long_url');
  const advancedOpen = values.alias !== '' || values.expires_at !== '' || errors.alias || errors.expires_at;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${failed ? 'Error: ' : ''}${created ? 'Your short link' : 'Shorten a link'} – Lakh</title>
<link rel="stylesheet" href="/-/page.css">
<link rel="icon" href="data:,">
<script src="/-/page.js" defer></script>
</head>
<body>
<main>
<h1><a href="/">Lakh</a></h1>
<p>Paste a long address, get a short one.</p>
${created ? result(created) : ''}
<form method="post" action="/-/shorten">
${errors.form ? `<p class="error" role="alert">${escapeHtml(errors.form)}</p>` : ''}
${field(
  {
    name: 'long_url',
    label: 'Long address',
    attributes: `type="url" required maxlength="${urlMaxLength}" autocomplete="off" placeholder="https://…"`,
    value: values.long_url,
  },
  errors.long_url,
  focused === 'long_url',
)}
${
  needsToken
    ? field(
        { name: 'token', label: 'API token', attributes: 'type="password" required autocomplete="off"', value: '' },
        errors.token,
        focused === 'token',
      )
    : ''
}
<details${advancedOpen ? ' open' : ''}>
<summary>Choose the short name, or an end date</summary>
<div>
${field(
  {
    name: 'alias',
    label: 'Short name (optional)',
    hint: 'Letters and digits, with - and _ inside.',
    attributes: 'type="text" maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false"',
    value: values.alias,
  },
  errors.alias,
  focused === 'alias',
)}
${field(
  {
    name: 'expires_at',
    label: 'Works until (optional)',
    hint: 'A date and time with its offset from UTC, such as 2030-01-31T18:00:00+05:30.',
    attributes: 'type="text" maxlength="40" autocomplete="off" spellcheck="false"',
    value: values.expires_at,
  },
  errors.expires_at,
  focused === 'expires_at',
)}
</div>
</details>
<button type="submit">Shorten</button>
</form>
</main>
</body>
</html>
`;
}
