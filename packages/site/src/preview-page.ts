import { createHash } from 'node:crypto';
import { escapeHtml, htmlPage, PAGE_LOOK } from '@lakh/http';
import type { Link } from '@lakh/links';

const LOOK = `${PAGE_LOOK}
.long { overflow-wrap: anywhere; }
.host { font-size: 1.35rem; font-weight: 700; }
dl { margin: 1.5rem 0 0; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.4rem 1.25rem; }
dt { opacity: 0.8; }
dd { margin: 0; overflow-wrap: anywhere; }
img { display: block; margin-top: 1.75rem; width: 12rem; height: 12rem; background: #fff; border-radius: 0.4rem; }
`;

const STYLE_HASH = createHash('sha256').update(LOOK).digest('base64');

/** The page has its look in itself, and one picture of this server. */
export const PREVIEW_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Where a link leads, for who wants to know before they follow it. The host comes first: the rest of an address can be made to look like one. */
export function renderPreview(link: Link, publicUrl: string): string {
  const shortUrl = `${publicUrl}/${link.code}`;
  const short = escapeHtml(shortUrl);
  const facts = [
    ['Short link', `<a href="${short}" rel="nofollow">${short.replace(/^https?:\/\//, '')}</a>`],
    ['Made', timeOf(link.createdAtMs)],
    ...(link.expiresAtMs === null ? [] : [['Ends', timeOf(link.expiresAtMs)]]),
  ];
  return htmlPage({
    title: `Where ${link.code} leads`,
    head: `<meta name="robots" content="noindex">\n<style>${LOOK}</style>`,
    main: `${targetOf(link)}
<dl>
${facts.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('\n')}
</dl>
<img src="/${link.code}.qr?size=192" alt="QR code of ${short}" width="192" height="192">`,
  });
}

/** What following it would tell, and no more. */
function targetOf({ longUrl, terms }: Link): string {
  if (terms?.password !== undefined) {
    return '<h1>This link asks for a password</h1>\n<p>Where it leads is told to who has it.</p>';
  }
  const text = escapeHtml(longUrl);
  const elsewhere = terms?.rules ? '\n<p>By device, language, date or address it may lead elsewhere.</p>' : '';
  return `<h1>This link leads to</h1>
<p class="host long">${escapeHtml(new URL(longUrl).host)}</p>
<p class="long"><a href="${text}" rel="nofollow noopener noreferrer">${text}</a></p>${elsewhere}`;
}

function timeOf(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}
