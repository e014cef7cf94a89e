import { around, type Texts, times } from './growth.js';

/** Requests with one part that grows, whatever reads it: routing, types of bodies, bodies, fields, and the answer that repeats them. */

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const create = (body: string, type = 'application/json'): Sent => ({
  method: 'POST',
  path: '/api/v1/urls',
  headers: { 'content-type': type },
  body,
});
const submit = (body: string, type = 'application/x-www-form-urlencoded'): Sent => ({
  method: 'POST',
  path: '/-/shorten',
  headers: { 'content-type': type, accept: 'text/html' },
  body,
});
const header = (name: string) => (value: string) => ({ headers: { [name]: value } });

const paths: Texts = {
  letters: around('/', 'a', ''),
  slashes: around('/', '/', 'a'),
  dots: around('/', '.', 'a'),
  'dots after': around('/Q0u', '.', ''),
  'marks after': around('/Q0u', '%2e', ''),
  'encoded characters': around('/', '%c3%a9', ''),
  'characters encoded badly': around('/', '%c3', ''),
  'of the API': around('/api/v1/urls/', 'a-', '-'),
  'under the API': around('/api/v1/urls', '/a', ''),
  query: around('/Q0u?', '&a=', ''),
};
const values: Texts = {
  letters: times('a'),
  blanks: around('x', ' ', 'x'),
  slashes: times('text/'),
  semicolons: around('application/json', '; ', 'x'),
  'type and semicolons': around('application/json;', ' ', 'x'),
  parameters: around('application/json', '; a=b', ''),
  charsets: around('application/json', '; charset =', ''),
  quotes: around('application/json; a="', '\\"', ''),
  commas: times('text/html,'),
  equals: times('a='),
};
const jsonBodies: Texts = {
  fields: (length) => `{${Array.from({ length: length / 12 }, (_, i) => `"f${100_000 + i}":1`).join()}}`,
  'one field again': around('{', '"alias":1,', '"alias":1}'),
  arrays: times('['),
  blanks: around('{', ' ', '}'),
  escapes: around('{"long_url":"', '\\ud800', '"}'),
  'a long name': around('{"', 'a', '":1}'),
  'blanks in a URL': around('{"long_url":"x', ' ', 'x"}'),
  'dots in a host': around('{"long_url":"https://a', '.', 'b/"}'),
  'a path': around('{"long_url":"https://b/', '<', '"}'),
};
const formBodies: Texts = {
  ampersands: times('&'),
  fields: times('a=b&'),
  equals: times('='),
  percents: around('long_url=', '%', ''),
  bytes: around('long_url=', '%ff', ''),
  blanks: around('long_url=x', '+', 'x'),
  'blanks around': around('long_url=', '+', ''),
  quotes: around('long_url=', '%22%3c', ''),
  'a path': around('long_url=https://b/', '%3c', ''),
  'an alias': around('alias=a', '-', ''),
  'an expiry': around('expires_at=2030-01-01T00:00:00.', '1', ''),
  'a token': around('token=', 'a', '%20'),
};

/** What has a part of a kind, the request with such a text for it, the texts, and the length of the short one. */
export const GROWING_REQUESTS: readonly (readonly [
  what: string,
  of: (text: string) => Sent,
  texts: Texts,
  length: number,
])[] = [
  ['a path', (path) => ({ path }), paths, 2_000],
  ['Accept', header('accept'), values, 4_000],
  ['Cookie', header('cookie'), values, 4_000],
  ['Authorization', header('authorization'), { ...values, tokens: around('Bearer ', 'a', '==x') }, 4_000],
  ['the type of JSON', (type) => create('{}', type), values, 4_000],
  [
    'the type of a form',
    (type) => submit('a=b', type.replace('application/json', 'multipart/form-data')),
    values,
    4_000,
  ],
  ['JSON', create, jsonBodies, 4_000],
  ['JSON with a parameter', (body) => create(body, 'application/json; a=b'), jsonBodies, 4_000],
  ['a form', submit, formBodies, 4_000],
];
