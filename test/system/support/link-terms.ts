/** What links have beside their targets, as clients of any Lakh meet it: by `base`, where the whole system answers. */
interface Made {
  readonly code: string;
  readonly owner?: string;
  readonly tags?: readonly string[];
  readonly has_password?: boolean;
}

const TARGET = 'https://example.com/?z=+%20#top';

/** `token`: for edits and deletes, where they need one. */
export function describeLinkTerms(base: () => string, token: () => string | undefined = () => undefined): void {
  describe('what links have beside their targets', () => {
    const post = (path: string, body: string, type = 'application/json') =>
      fetch(base() + path, { method: 'POST', headers: { 'content-type': type }, body, redirect: 'manual' });

    async function create(fields: object): Promise<Made> {
      const answer = await post('/api/v1/urls', JSON.stringify({ long_url: TARGET, ...fields }));
      expect(answer.status).toBe(201);
      return (await answer.json()) as Made;
    }

    async function follow(path: string, headers: Record<string, string> = {}) {
      const answer = await fetch(`${base()}/${path}`, { headers, redirect: 'manual' });
      await answer.arrayBuffer();
      return [answer.status, answer.headers.get('location')];
    }

    test('is kept and shown, by create, batch and lines', async () => {
      const details = {
        title: 'Ein „Titel“',
        note: 'a\nb',
        tags: ['Été', '日本'],
        external_id: 'crm:1',
        image: TARGET,
      };
      const fields = { ...details, expired_url: TARGET, rules: [{ device: 'ios', long_url: TARGET }] };
      const one = await create(fields);
      const links = [
        { long_url: TARGET, ...fields },
        { long_url: TARGET, tittle: 'x', tags: [''] },
      ];
      const batch = await (await post('/api/v1/urls:batch', JSON.stringify({ links }))).json();
      const [second, wrong] = (batch as { results: { link?: Made; problem?: { detail: string } }[] }).results;
      expect(wrong?.problem?.detail).toMatch(
        /tittle: there is no such field; did you mean title\?; tags\[0\]: is empty/,
      );
      const lines = `${JSON.stringify({ long_url: TARGET, ...fields })}\n`;
      const answered = await (await post('/api/v1/urls:batch', lines, 'application/x-ndjson')).text();
      const third = (JSON.parse(answered.split('\n', 1)[0] as string) as { link: Made }).link;
      for (const made of [one, second?.link as Made, third]) {
        expect(made).toMatchObject(fields);
        expect(await (await fetch(`${base()}/api/v1/urls/${made.code}`)).json()).toEqual(made);
      }
    });

    test('is what decides how they are followed', async () => {
      const { code: early } = await create({ not_before: '2999-01-01T00:00:00Z' });
      expect(await follow(early)).toEqual([404, null]);
      const { code: query } = await create({ forward_query: 'append', redirect_status: 307 });
      for (let i = 0; i < 2; i += 1) {
        expect(await follow(`${query}?a=1+2&b=%2F`)).toEqual([307, 'https://example.com/?z=+%20&a=1+2&b=%2F#top']);
      }
      const rules = [{ language: 'de', long_url: 'https://example.com/de' }];
      const { code: ruled } = await create({ rules });
      expect(await follow(ruled, { 'accept-language': 'de-AT' })).toEqual([302, 'https://example.com/de']);
      expect(await follow(ruled, { 'accept-language': 'en, de;q=0.5' })).toEqual([302, TARGET]);
      const dry = await post(`/api/v1/urls/${ruled}:dryRun`, '{"accept_language": "de"}');
      expect(await dry.json()).toMatchObject({ rule: 0, location: 'https://example.com/de' });
    });

    async function change(method: string, path: string, body?: object) {
      const bearer = token();
      const headers = {
        ...(body && { 'content-type': 'application/json' }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      };
      const answer = await fetch(`${base()}/api/v1/urls/${path}`, {
        ...{ method, headers },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, etag: answer.headers.get('etag'), body: text === '' ? {} : JSON.parse(text) };
    }

    /** Servers hear of a change within moments. */
    async function untilFollowed(code: string, expected: readonly unknown[]): Promise<void> {
      const untilMs = performance.now() + 10_000;
      for (;;) {
        const got = await follow(code);
        if (performance.now() > untilMs) expect(got).toEqual(expected);
        if (JSON.stringify(got) === JSON.stringify(expected)) return;
      }
    }

    test('is edited field by field, and taken away', async () => {
      const { code, ...made } = await create({ title: 'A', tags: ['x'], max_clicks: 3 });
      const rules = [{ language: 'de', long_url: 'https://example.com/de' }];
      const edited = await change('PATCH', code, { title: null, note: 'n', tags: ['y', 'z'], max_clicks: null, rules });
      const { title: _, max_clicks: __, ...left } = made as Record<string, unknown>;
      expect(edited).toEqual({ status: 200, etag: '"2"', body: { ...left, code, note: 'n', tags: ['y', 'z'], rules } });
      const wrong = await change('PATCH', code, { titel: 'x', max_clicks: 0 });
      expect([wrong.status, wrong.body.errors.map((each: { field: string }) => each.field)]).toEqual([
        422,
        ['titel', 'max_clicks'],
      ]);
      const plain = await change('PATCH', code, { note: null, tags: null, rules: null });
      expect(plain.body).toEqual({ ...left, code, tags: undefined });
      await untilFollowed(code, [301, TARGET]);
    });

    test('comes back with a link that was deleted, for followers too, and not what nothing is kept of', async () => {
      const { code } = await create({
        title: 'A',
        rules: [{ query: { name: 'a', value: '1' }, long_url: `${TARGET}2` }],
      });
      await untilFollowed(`${code}?a=1`, [302, `${TARGET}2`]);
      expect((await change('DELETE', code)).status).toBe(204);
      await untilFollowed(code, [410, null]);
      const gone = await change('GET', code);
      expect([gone.status, Date.parse(gone.body.restorable_until)]).toEqual([410, expect.any(Number)]);
      const restored = await change('POST', `${code}:restore`);
      expect([restored.status, restored.etag, restored.body.title]).toEqual([200, '"3"', 'A']);
      await untilFollowed(`${code}?a=1`, [302, `${TARGET}2`]);
      expect((await change('DELETE', `${code}?forever=true`)).status).toBe(204);
      expect((await change('POST', `${code}:restore`)).status).toBe(410);
      await untilFollowed(code, [410, null]);
    });

    test('counts clicks exactly, whoever comes at once', async () => {
      const { code } = await create({ max_clicks: 5, expired_url: 'https://example.com/over' });
      const led = await Promise.all(Array.from({ length: 12 }, () => follow(code)));
      expect(led.filter(([, location]) => location === TARGET)).toHaveLength(5);
      expect(led.filter(([, location]) => location === 'https://example.com/over')).toHaveLength(7);
    });

    test('asks for a password', async () => {
      const { code, has_password: isShown } = await create({ password: 'grüße' });
      expect([isShown, await follow(code)]).toEqual([true, [200, null]]);
      const send = (password: string) =>
        post(`/${code}`, new URLSearchParams({ password }).toString(), 'application/x-www-form-urlencoded');
      expect((await send('wrong')).status).toBe(403);
      const right = await send('grüße');
      expect([right.status, right.headers.get('location')]).toEqual([303, TARGET]);
    });
  });
}
