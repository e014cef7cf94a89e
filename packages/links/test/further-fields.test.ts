import { createHash } from 'node:crypto';
import {
  createEditor,
  createShortener,
  FURTHER_FIELDS,
  FURTHER_RULES,
  type FurtherField,
  InvalidLinkError,
  OwnHosts,
  type Passwords,
  tokenHolder,
} from '@lakh/links';
import { CountedCodes, MemoryLinkStore, MemoryReservationStore } from '@lakh/testkit';

const NOW_MS = Date.UTC(2026, 10, 27);
const URL_A = 'https://example.com/';
const CI = tokenHolder('ci');
const policy = { ownHosts: new OwnHosts(['https://lakh.example']) };
const clock = { nowMs: () => NOW_MS };
/** What is kept is the salt and the password. */
const passwords: Passwords = {
  hash: async (password, salt = 'random') => `${salt}:${password}`,
  verify: async (password, kept) => kept.endsWith(`:${password}`),
};
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

function open() {
  const store = new MemoryLinkStore();
  let inserts = 0;
  const shortener = createShortener({
    ...{ store, codes: new CountedCodes(), clock, policy, passwords },
    newInsertId: () => {
      inserts += 1;
      return String(inserts);
    },
    idempotency: { digest, reservations: new MemoryReservationStore() },
  });
  const editor = createEditor({ store, clock, policy, digest, passwords });
  return { store, shortener, editor };
}

type Sent = { readonly [Field in FurtherField]?: unknown };

async function created(fields: Sent, others: object = {}) {
  const { shortener } = open();
  return (await shortener.shorten(0, { longUrl: URL_A, ...others, fields }, CI)).link;
}

/** Field and rule of each problem. */
async function problemsOf(fields: Sent, others: object = {}): Promise<readonly string[]> {
  const error: unknown = await created(fields, others).catch((thrown: unknown) => thrown);
  if (!(error instanceof InvalidLinkError)) return [];
  return error.problems.map(({ field, rule }) => `${field} ${rule}`);
}

const LONG = 'x'.repeat(10_000);
const TARGET = { long_url: 'https://rule.example/' };

test('a link without any is its own: no terms, no details, and whose it is', async () => {
  const { shortener } = open();
  const { link } = await shortener.shorten(0, { longUrl: URL_A }, CI);
  expect(link).toMatchObject({ terms: null, details: null, owner: 'ci' });
});

test('each comes to where it is kept', async () => {
  const fields = {
    ...{ title: ' A title ', description: 'two\nlines', image: 'https://lakh.example/é.png', note: '\u{1f517}' },
    ...{ tags: [' News ', 'e\u0301te\u0301'], external_id: 'crm:1', not_before: '2026-11-28T01:00:00+01:00' },
    ...{ max_clicks: 1, expired_url: 'https://EXAMPLE.com', forward_query: 'append', password: 'pässword' },
    rules: [
      { device: 'ios', language: 'pt-BR', ...TARGET },
      { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', query: { name: 'a', value: '' }, ...TARGET },
    ],
  };
  expect(Object.keys(fields).sort()).toEqual([...FURTHER_FIELDS].sort());
  expect(await created(fields)).toMatchObject({
    details: {
      ...{ title: ' A title ', description: 'two\nlines', image: 'https://lakh.example/%C3%A9.png', note: '\u{1f517}' },
      ...{ tags: ['News', 'été'], externalId: 'crm:1' },
    },
    terms: {
      ...{ notBeforeMs: Date.UTC(2026, 10, 28), maxClicks: 1, expiredUrl: 'https://example.com/' },
      ...{ forwardQuery: 'append', password: 'random:pässword' },
      rules: [
        { device: 'ios', language: 'pt-br', longUrl: 'https://rule.example/' },
        {
          ...{ fromMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2027, 0, 1), query: { name: 'a', value: '' } },
          longUrl: 'https://rule.example/',
        },
      ],
    },
  });
});

test('what asks for nothing is nothing', async () => {
  const nothing = Object.fromEntries(FURTHER_FIELDS.map((field) => [field, null]));
  expect(await created(nothing)).toMatchObject({ terms: null, details: null });
  expect(await created({ tags: [], rules: [], forward_query: 'off' })).toMatchObject({ terms: null, details: null });
});

test.each<[Sent, string]>([
  [{ title: 1 }, 'title not_a_string'],
  [{ title: '' }, 'title empty'],
  [{ title: '\u{1f517}'.repeat(201) }, 'title too_long'],
  [{ title: 'a\nb' }, 'title control_character'],
  [{ title: '\ud800' }, 'title lone_surrogate'],
  [{ description: 'x'.repeat(1_001) }, 'description too_long'],
  [{ description: 'a\u0000' }, 'description control_character'],
  [{ note: LONG }, 'note too_long'],
  [{ image: 'data:,x' }, 'image scheme_not_allowed'],
  [{ image: 'https://u:p@example.com/' }, 'image userinfo'],
  [{ tags: 'a' }, 'tags not_an_array'],
  [{ tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }, 'tags too_many'],
  [{ tags: ['ok', ' '] }, 'tags[1] empty'],
  [{ tags: ['a,b'] }, 'tags[0] comma'],
  [{ tags: ['a\tb'] }, 'tags[0] control_character'],
  [{ tags: ['x'.repeat(51)] }, 'tags[0] too_long'],
  [{ tags: [LONG] }, 'tags[0] too_long'],
  [{ tags: ['É', 'é'] }, 'tags[1] duplicate'],
  [{ tags: ['e\u0301', '\u00e9'] }, 'tags[1] duplicate'],
  [{ tags: [null] }, 'tags[0] not_a_string'],
  [{ external_id: 'a b' }, 'external_id bad_character'],
  [{ external_id: 'x'.repeat(129) }, 'external_id too_long'],
  [{ not_before: '2026-11-28' }, 'not_before not_rfc3339'],
  [{ not_before: '2026-02-30T00:00:00Z' }, 'not_before impossible_date'],
  [{ max_clicks: 0 }, 'max_clicks not_a_number'],
  [{ max_clicks: 1.5 }, 'max_clicks not_a_number'],
  [{ max_clicks: '3' }, 'max_clicks not_a_number'],
  [{ max_clicks: 1_000_000_001 }, 'max_clicks not_a_number'],
  [{ expired_url: 'https://lakh.example/x' }, 'expired_url own_host'],
  [{ expired_url: 'nonsense' }, 'expired_url not_absolute'],
  [{ forward_query: true }, 'forward_query not_a_way'],
  [{ password: 'abc' }, 'password too_short'],
  [{ password: 'x'.repeat(129) }, 'password too_long'],
  [{ rules: {} }, 'rules not_an_array'],
  [{ rules: Array.from({ length: 21 }, () => ({ device: 'ios', ...TARGET })) }, 'rules too_many'],
  [{ rules: [null] }, 'rules[0] not_an_object'],
  [{ rules: [TARGET] }, 'rules[0] no_condition'],
  [{ rules: [{ device: 'ios' }] }, 'rules[0].long_url missing'],
  [{ rules: [{ device: 'ios', long_url: 'https://lakh.example/' }] }, 'rules[0].long_url own_host'],
  [{ rules: [{ device: 'windows', ...TARGET }] }, 'rules[0].device not_a_device'],
  [{ rules: [{ language: 'german please', ...TARGET }] }, 'rules[0].language not_a_language'],
  [{ rules: [{ from: 'today', ...TARGET }] }, 'rules[0].from not_rfc3339'],
  [{ rules: [{ query: 'a=b', ...TARGET }] }, 'rules[0].query not_an_object'],
  [{ rules: [{ query: { value: 'b' }, ...TARGET }] }, 'rules[0].query.name missing'],
  [{ rules: [{ query: { name: 'a', value: 1 }, ...TARGET }] }, 'rules[0].query.value not_a_string'],
  [{ rules: [{ device: 'ios', lang: 'de', ...TARGET }] }, 'rules[0].lang unknown_field'],
  [
    { rules: [{ from: '2026-01-01T00:00:00Z', until: '2026-01-01T00:00:00Z', ...TARGET }] },
    'rules[0].until empty_window',
  ],
])('%j is refused: %s', async (fields, problem) => {
  expect(await problemsOf(fields)).toEqual([problem]);
  const [field = '', rule = ''] = problem.replace(/\[\d\]/, '[n]').split(' ');
  expect(rule === 'unknown_field' || FURTHER_RULES[field]?.includes(rule)).toBe(true);
});

test('several problems are told at once, with those of the other fields', async () => {
  const wrong = { title: '', tags: ['', ''], max_clicks: -1, not_before: '2030-01-02T00:00:00Z' };
  expect(await problemsOf(wrong, { longUrl: 'x', alias: 'a', expiresAt: '2030-01-01T00:00:00Z' })).toEqual([
    'long_url not_absolute',
    'alias too_short',
    'title empty',
    'tags[0] empty',
    'tags[1] empty',
    'max_clicks not_a_number',
    'not_before not_before_expiry',
  ]);
});

test('rules that are too long together are refused', async () => {
  const rules = Array.from({ length: 20 }, () => ({
    device: 'ios',
    long_url: `https://a.example/${'x'.repeat(1_000)}`,
  }));
  expect(await problemsOf({ rules })).toEqual(['rules too_long']);
});

describe('an edit', () => {
  test('sets and clears each by itself', async () => {
    const { shortener, editor, store } = open();
    const { link } = await shortener.shorten(0, { longUrl: URL_A, fields: { title: 'A', max_clicks: 3 } }, CI);
    const edit = (fields: Sent) => editor.edit(0, link.code, { fields }, CI);
    expect(await edit({ note: 'n', password: 'word' })).toMatchObject({
      link: { details: { title: 'A', note: 'n' }, terms: { maxClicks: 3, password: 'random:word' }, version: 2 },
    });
    expect(await edit({ title: null, max_clicks: null })).toMatchObject({
      link: { details: { note: 'n' }, version: 3 },
    });
    expect(await edit({ note: null, password: null })).toMatchObject({ link: { details: null, terms: null } });
    expect(await edit({ tags: [], password: null })).toMatchObject({ edited: false });
    expect(await store.read(0, link.code)).toMatchObject({ terms: null, details: null, owner: 'ci' });
  });

  test('is refused for what does not go with the link', async () => {
    const { shortener, editor } = open();
    const asked = { longUrl: URL_A, expiresAt: '2030-01-01T00:00:00Z' };
    const { link } = await shortener.shorten(0, asked, CI);
    const edit = editor.edit(0, link.code, { fields: { not_before: '2030-01-01T00:00:00Z' } }, CI);
    await expect(edit).rejects.toMatchObject({ problems: [{ field: 'not_before', rule: 'not_before_expiry' }] });
  });

  test('with a key is made once, also where it sets a password, and another is told from it', async () => {
    const { shortener, editor } = open();
    const { link } = await shortener.shorten(0, { longUrl: URL_A }, CI);
    const edit = (fields: Sent) => editor.edit(0, link.code, { fields }, CI, undefined, 'k');
    expect(await edit({ password: 'word', title: 'A' })).toMatchObject({ replayed: false, link: { version: 2 } });
    expect(await edit({ password: 'word', title: 'A' })).toMatchObject({ replayed: true, link: { version: 2 } });
    for (const other of [{ password: 'other', title: 'A' }, { password: 'word' }, {}]) {
      await expect(edit(other)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    }
  });
});

describe('a create with a key', () => {
  const keyed = async (shortener: ReturnType<typeof open>['shortener'], fields: Sent | undefined, alias?: string) =>
    shortener.shorten(0, { longUrl: URL_A, alias, fields }, CI, 'k');

  test('answers the same link, also where it has a password, and another is told from it', async () => {
    const { shortener } = open();
    const fields = { password: 'word', tags: ['a'] };
    const { link } = await keyed(shortener, fields);
    expect(await keyed(shortener, fields)).toMatchObject({ replayed: true, link });
    for (const other of [{ ...fields, password: 'other' }, { password: 'word' }, { tags: ['a'] }, undefined]) {
      await expect(keyed(shortener, other)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    }
  });

  test('that asks for nothing more has the sum that it always had', async () => {
    const texts: string[] = [];
    const shortener = createShortener({
      ...{ store: new MemoryLinkStore(), codes: new CountedCodes(), clock, policy, passwords },
      newInsertId: () => '1',
      idempotency: {
        digest: (text) => {
          texts.push(text);
          return digest(text);
        },
        reservations: new MemoryReservationStore(),
      },
    });
    await shortener.shorten(0, { longUrl: URL_A, expiresAt: '2030-01-01T00:00:00Z' }, CI, 'k');
    expect(texts).toEqual([
      '{"domainId":0,"longUrl":"https://example.com/","expiresAtMs":1893456000000,"redirectStatus":null}',
      '["token","ci","create",0,"k"]',
    ]);
  });

  test('of several links gives each password a salt of its own', async () => {
    const { shortener } = open();
    const requests = ['word', 'word', 'x'].map((password) => ({ longUrl: URL_A, fields: { password } }));
    const create = () =>
      shortener.batch(0, requests, CI, 'k', ({ shorten }) => Promise.allSettled([shorten(0), shorten(1), shorten(2)]));
    const [first, second, third] = await create();
    expect(third).toMatchObject({ status: 'rejected', reason: { code: 'invalid_link' } });
    const kept = [first, second].map((each) => each?.status === 'fulfilled' && each.value.link.terms?.password);
    expect(new Set(kept).size).toBe(2);
    expect(await create()).toMatchObject([{ value: { replayed: true } }, { value: { replayed: true } }, {}]);
  });
});

test('an alias that is asked for again is the same link by all of its fields, its password and its owner', async () => {
  const { shortener } = open();
  const fields = { password: 'word', title: 'A', max_clicks: 3 };
  const claim = (sent: Sent, actor = CI) =>
    shortener.shorten(0, { longUrl: URL_A, alias: 'mine', fields: sent }, actor);
  expect(await claim(fields)).toMatchObject({ created: true });
  expect(await claim({ ...fields })).toMatchObject({ created: false });
  for (const other of [
    { ...fields, password: 'other' },
    { ...fields, title: 'B' },
    { title: 'A', max_clicks: 3 },
    {},
  ]) {
    await expect(claim(other)).rejects.toMatchObject({ code: 'alias_taken' });
  }
  await expect(claim(fields, tokenHolder('other'))).rejects.toMatchObject({ code: 'alias_taken' });
});
