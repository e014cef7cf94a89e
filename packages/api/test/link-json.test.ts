import type { Link } from '@lakh/links';
import { AWKWARD_DETAILS, FULL_DETAILS, FULL_TERMS } from '@lakh/testkit';
import fc from 'fast-check';
import { LinkTexts, linkJson } from '../src/link-json';

const timeMs = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
const link: fc.Arbitrary<Link> = fc.record({
  state: fc.constant('live' as const),
  domainId: fc.constant(0),
  code: fc.stringMatching(/^[0-9A-Za-z_-]{1,64}$/),
  kind: fc.constantFrom('generated' as const, 'alias' as const),
  counter: fc.nat(),
  // More than a target may hold.
  longUrl: fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string()),
  createdAtMs: timeMs,
  expiresAtMs: fc.option(timeMs),
  redirectStatus: fc.constantFrom(null, 301 as const, 302 as const),
  terms: fc.constantFrom(null, FULL_TERMS),
  owner: fc.constantFrom('', 'ci'),
  details: fc.constantFrom(null, FULL_DETAILS, AWKWARD_DETAILS),
  version: fc.nat(),
});

test('the text of a link is that of its object, whatever came before', () => {
  const texts = new LinkTexts('http://127.0.0.1:8080');
  fc.assert(
    fc.property(fc.array(link, { minLength: 1 }), fc.boolean(), (links, areOfOneTime) => {
      for (const each of links) {
        const one = areOfOneTime ? { ...each, createdAtMs: (links[0] as Link).createdAtMs } : each;
        const expected = JSON.stringify(linkJson(one, 'http://127.0.0.1:8080'));
        expect(texts.text(one)).toBe(expected);
        expect(JSON.stringify(texts.json(one))).toBe(expected);
      }
    }),
  );
});
