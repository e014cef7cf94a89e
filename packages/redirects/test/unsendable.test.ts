import type { Socket } from 'node:net';
import { PlainRequest, type WireLane } from '@lakh/http';
import { setUp } from './clicks';

test('a link that no header may hold is held by nobody and sent by nobody', async () => {
  const { add, redirects } = await setUp();
  await add('bad', null, 'https://example.com/\r\nSet-Cookie: x');
  await add('good', null);
  const { wire } = redirects.lanes as { readonly wire: WireLane };
  const send = jest.fn();
  for (let i = 0; i < 2; i += 1) {
    for (const [code, status] of [
      ['bad', 500],
      ['good', 302],
    ] as const) {
      const recognised = { method: 'GET', path: `/${code}`, fields: '\r\n', host: 'lakh.example', cookie: undefined };
      const request = new PlainRequest(recognised as ConstructorParameters<typeof PlainRequest>[0], {} as Socket);
      if (wire.hit(request, { send })) continue;
      expect(await wire.later(request)).toMatchObject({ status });
    }
  }
  expect(send.mock.calls).toEqual([[302, expect.stringContaining('Location: https://example.com/\r\n')]]);
  expect(redirects.l1.size).toBe(1);
});
