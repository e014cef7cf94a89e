import { createHash } from 'node:crypto';
import { type Answer, htmlPage, PAGE_LOOK } from '@lakh/http';

const LOOK = `${PAGE_LOOK}
form { margin-top: 1.5rem; display: grid; gap: 0.75rem; max-width: 24rem; }
label { font-weight: 600; }
input, button { font: inherit; padding: 0.55rem 0.7rem; border: 1px solid var(--line); border-radius: 0.4rem; }
input { background: transparent; color: inherit; }
button { background: var(--accent); color: var(--accent-ink); border-color: transparent; font-weight: 600; }
.bad { color: var(--bad); }
`;

const STYLE_HASH = createHash('sha256').update(LOOK).digest('base64');

/** The form leads to wherever the link does: some browsers hold a redirect behind a form to `form-action` too. Nothing of others is on the page. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action http: https:; frame-ancestors 'none'`;

/** Longest password, in characters that a form may send of it. */
const MAX_LENGTH = 256;

/** What asks for a link's password; it works without scripts, and sends the form to its own address, query included. */
export function passwordPage(status: 200 | 403): Answer {
  const wrong = '\n<p class="bad" id="wrong" role="alert">This is not the password of this link.</p>';
  const described = status === 403 ? ' aria-describedby="wrong" aria-invalid="true"' : '';
  const body = htmlPage({
    title: 'This link asks for a password',
    head: `<meta name="robots" content="noindex">\n<style>${LOOK}</style>`,
    main: `<h1>This link asks for a password</h1>
<p>Whoever gave it to you knows it.</p>${status === 403 ? wrong : ''}
<form method="post">
<label for="password">Password</label>
<input id="password" name="password" type="password" maxlength="${MAX_LENGTH}" autocomplete="off" autofocus required${described}>
<button>Go on</button>
</form>`,
  });
  return {
    status,
    headers: [
      ...['Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body))],
      ...['Cache-Control', 'no-store', 'X-Robots-Tag', 'noindex', 'Content-Security-Policy', POLICY],
      // With `no-referrer` browsers send `Origin: null` with the page's own form.
      ...['Referrer-Policy', 'same-origin', 'X-Content-Type-Options', 'nosniff'],
    ],
    body,
  };
}
