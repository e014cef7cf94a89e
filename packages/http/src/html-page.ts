/** What every page for people has in common: its frame, its look, and its headers. */
import { createHash } from 'node:crypto';

/** Light and dark by the visitor's own setting; texts stand out from their ground by 4.5 : 1 at least. */
export const PAGE_LOOK = `:root { color-scheme: light dark; --ink: #1c1b22; --paper: #fbfaf8; --line: #857f75; --accent: #0b5c4a; --accent-ink: #fff; --bad: #9c1c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceaf0; --paper: #17161a; --line: #7c7884; --accent: #6fd3b8; --accent-ink: #10201c; --bad: #ff9c9c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
header, main { max-width: 40.5rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: min(8vh, 4rem); font-size: 1.25rem; font-weight: 700; letter-spacing: -0.01em; }
header a { color: inherit; text-decoration: none; }
main { padding-bottom: 3rem; }
h1 { margin: 1.75rem 0 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.02em; }
p { margin: 0.5rem 0 0; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

/** In the address itself, so that no page needs a further request, nor another service, for it. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5c4a"/><path d="M11 7v18h11" fill="none" stroke="#fff" stroke-width="4.5"/></svg>',
)}`;

const STYLE_HASH = createHash('sha256').update(PAGE_LOOK).digest('base64');

/** Of a page that carries its look itself and has nothing else. */
export const STILL_PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

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

export interface HtmlPage {
  readonly title: string;
  /** Markup. Default: the look, inline. */
  readonly head?: string;
  /** Markup. */
  readonly main: string;
}

export function htmlPage({ title, head = `<style>${PAGE_LOOK}</style>`, main }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – Lakh</title>
<link rel="icon" href="${ICON}">
${head}
</head>
<body>
<header><a href="/">Lakh</a></header>
<main>
${main}
</main>
</body>
</html>
`;
}

/** What a status is to a person; the detail below says the rest. */
const HEADINGS: Readonly<Record<number, string>> = {
  400: 'This cannot be understood',
  403: 'This is not allowed',
  404: 'There is nothing here',
  405: 'This cannot be done here',
  408: 'This took too long',
  410: 'This link is gone',
  413: 'This is too much',
  414: 'This address is too long',
  429: 'Too much at once',
  503: 'Not just now',
  508: 'This link goes round in circles',
};

/** The page of an error. */
export function errorPage({ status, detail }: { readonly status: number; readonly detail: string }): string {
  const heading = HEADINGS[status] ?? (status < 500 ? 'This was refused' : 'Something went wrong');
  return htmlPage({
    title: heading,
    main: `<h1>${heading}</h1>
<p>${escapeHtml(detail)}</p>
<p><a href="/">Shorten a link</a></p>`,
  });
}
