import { PAGE_LOOK } from '@lakh/http';

/** The page's style and script, served from their own routes so that the Content-Security-Policy needs no `unsafe-inline`. */

export const PAGE_CSS = `${PAGE_LOOK}
h2 { margin: 0; font-size: 1.25rem; }
form { margin-top: 1.75rem; display: grid; gap: 1.1rem; }
label { display: block; font-weight: 600; margin-bottom: 0.3rem; }
.hint { font-size: 0.9rem; opacity: 0.8; margin: 0.25rem 0 0; }
input, textarea { width: 100%; padding: 0.6rem 0.7rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 0.4rem; }
input[type='checkbox'] { width: auto; margin: 0 0.4rem 0 0; accent-color: var(--accent); }
textarea { display: block; min-height: 2.8rem; max-height: 12rem; resize: vertical; field-sizing: content; overflow-wrap: anywhere; }
::placeholder { color: inherit; opacity: 0.7; }
[aria-invalid='true'] { border-color: var(--bad); }
button { padding: 0.65rem 1.2rem; font: inherit; font-weight: 600; color: var(--accent-ink); background: var(--accent); border: 0; border-radius: 0.4rem; cursor: pointer; justify-self: start; }
button[type='button'] { padding: 0.4rem 0.9rem; color: var(--accent); background: transparent; border: 1px solid var(--accent); }
.error { color: var(--bad); font-weight: 600; }
section { margin-top: 1.75rem; padding: 1.1rem 1.2rem; border: 1px solid var(--line); border-radius: 0.6rem; }
section h1 { margin: 0; font-size: 1.25rem; }
.short { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; margin-top: 0.6rem; font-size: clamp(1.1rem, 4.5vw, 1.35rem); font-weight: 700; }
/* A code is one word, whatever is in it; one that is wider than the screen is scrolled. */
.code, li a { white-space: nowrap; }
.short a, li a { min-width: 0; max-width: 100%; overflow: auto hidden; overflow-wrap: anywhere; }
li a { display: inline-block; vertical-align: bottom; text-overflow: ellipsis; }
.long { overflow-wrap: anywhere; }
.short button { font-size: 1rem; }
ul { margin: 0.2rem 0 0.9rem; padding: 0; list-style: none; }
li { margin-top: 0.5rem; }
li a { font-weight: 600; }
#keep label { font-weight: 400; }
details summary { cursor: pointer; }
details > div { margin-top: 0.9rem; display: grid; gap: 1.1rem; }
[hidden] { display: none !important; }
`;

/** All that needs a script. Without one the page works as it is: what a script would fill stays hidden, and times are in UTC. */
export const PAGE_JS = `'use strict';
const byId = (id) => document.getElementById(id);
const form = document.forms[0];
// Storage that is full or switched off is no storage.
const kept = (work) => { try { return work(localStorage); } catch { return null; } };

// A line break that was pasted is refused; one that was typed means "go".
byId('long_url').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

// A date-time field has no offset: the browser's, on that day.
if ('FormDataEvent' in window) {
  const until = byId('expires_at');
  byId('expires_at-hint').textContent = 'In your time zone, ' + Intl.DateTimeFormat().resolvedOptions().timeZone + '.';
  form.addEventListener('formdata', ({ formData }) => {
    const ahead = -new Date(until.value).getTimezoneOffset();
    const two = (minutes) => String(minutes).padStart(2, '0');
    const offset = two(Math.floor(Math.abs(ahead) / 60)) + ':' + two(Math.abs(ahead) % 60);
    if (!Number.isNaN(ahead)) formData.set('expires_offset', (ahead < 0 ? '-' : '+') + offset);
  });
}
for (const time of document.querySelectorAll('time')) {
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'short' });
}

const token = byId('token');
if (token) {
  const keep = byId('keep-token');
  const known = kept((storage) => storage.getItem('lakh.token'));
  byId('keep').hidden = false;
  keep.checked = known !== null;
  if (known !== null && !token.hasAttribute('aria-invalid')) token.value = known;
  form.addEventListener('submit', () =>
    kept((storage) => keep.checked ? storage.setItem('lakh.token', token.value) : storage.removeItem('lakh.token')));
}

const link = byId('short-url');
if (link && navigator.clipboard) {
  const told = byId('copied');
  byId('copy').hidden = false;
  byId('copy').addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(link.href);
      told.textContent = 'Copied.';
    } catch {
      told.textContent = 'Copying was refused by the browser: select the link and copy it.';
    }
  });
}

const isLink = (each) => [each?.short, each?.long].every((text) => /^https?:/.test(text));
const known = kept((storage) => JSON.parse(storage.getItem('lakh.recent'))) ?? [];
let recent = Array.isArray(known) ? known.filter(isLink) : [];
if (link) {
  const made = { short: link.href, long: byId('target').href };
  recent = [made, ...recent.filter((each) => each.short !== made.short)].slice(0, 10);
  kept((storage) => storage.setItem('lakh.recent', JSON.stringify(recent)));
}
for (const { short, long } of recent) {
  if (short === link?.href) continue;
  const anchor = document.createElement('a');
  anchor.href = short;
  anchor.textContent = short.replace(/^https?:\\/\\//, '');
  const item = document.createElement('li');
  item.className = 'long';
  item.append(anchor, ' → ' + (long.length > 80 ? long.slice(0, 79) + '…' : long));
  byId('recent-links').append(item);
  byId('recent').hidden = false;
}
byId('forget').addEventListener('click', () => {
  kept((storage) => storage.removeItem('lakh.recent'));
  byId('recent').hidden = true;
});
`;
