/** The page's style and script, served from their own routes so that the Content-Security-Policy needs no `unsafe-inline`. */

export const PAGE_CSS = `:root { color-scheme: light dark; --ink: #1c1b22; --paper: #fbfaf8; --line: #857f75; --accent: #0b5c4a; --accent-ink: #fff; --bad: #9c1c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceaf0; --paper: #17161a; --line: #7c7884; --accent: #6fd3b8; --accent-ink: #10201c; --bad: #ff9c9c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 38rem; margin: 0 auto; padding: 12vh 1.25rem 3rem; }
h1 { margin: 0; font-size: 2rem; letter-spacing: -0.02em; }
h2 { margin: 0; font-size: 1.25rem; }
h1 a { color: inherit; text-decoration: none; }
p { margin: 0.35rem 0 0; }
form { margin-top: 2rem; display: grid; gap: 1.1rem; }
label { display: block; font-weight: 600; margin-bottom: 0.3rem; }
.hint { font-size: 0.9rem; opacity: 0.8; margin: 0.25rem 0 0; }
input { width: 100%; padding: 0.6rem 0.7rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 0.4rem; }
input::placeholder { color: inherit; opacity: 0.7; }
input[aria-invalid='true'] { border-color: var(--bad); }
button { padding: 0.65rem 1.2rem; font: inherit; font-weight: 600; color: var(--accent-ink); background: var(--accent); border: 0; border-radius: 0.4rem; cursor: pointer; justify-self: start; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { color: var(--bad); font-weight: 600; }
.result { margin-top: 2rem; padding: 1.1rem 1.2rem; border: 1px solid var(--line); border-radius: 0.6rem; overflow-wrap: anywhere; }
.result .short { font-size: 1.35rem; font-weight: 700; }
.result a { color: var(--accent); }
.result button { margin-top: 0.8rem; color: var(--accent); background: transparent; border: 1px solid var(--accent); }
details summary { cursor: pointer; }
details > div { margin-top: 0.9rem; display: grid; gap: 1.1rem; }
`;

/** Only the copy button needs a script; without one it stays hidden and the page works as it is. */
export const PAGE_JS = `'use strict';
const button = document.getElementById('copy');
const link = document.getElementById('short-url');
const told = document.getElementById('copied');
if (button && link && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(link.href);
      told.textContent = 'Copied.';
    } catch {
      told.textContent = 'Copying was refused by the browser: select the link and copy it.';
    }
  });
}
`;
