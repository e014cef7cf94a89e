import { makeServerId, processSettings } from '../src/settings.js';

const parse = (text: string) => processSettings.serverId.parser.parse(text);

test.each(['web-1', '0', 'a.b_c-', 'x'.repeat(64)])('a server may be called %s', (id) => {
  expect(parse(id)).toBe(id);
});

// ZooKeeper's node of the server, and its row in the ledger, carry the name.
test.each(['-web', '_1', '.a', '..', 'a b', 'a/b', 'ä', 'x'.repeat(65)])('a server may not be called %s', (id) => {
  expect(parse(id)).toBeUndefined();
});

test.each(['web-1.example.com', '_dmarc', '-x', '...', 'büro', '', 'h'.repeat(64)])(
  'a server on a host called %j gets a name that a server may have',
  (host) => {
    const id = makeServerId(host, 4_194_304, 'a1b2c3');
    expect(parse(id)).toBe(id);
    expect(id).toMatch(/-4194304-a1b2c3$/);
  },
);

test.each([
  ['60001:60002', { uid: 60_001, gid: 60_002 }],
  ['0:0', undefined],
  ['60001:0', undefined],
  ['60001', undefined],
  ['mysql:mysql', undefined],
  ['-1:5', undefined],
  ['4294967295:1', undefined],
])('LAKH_RUN_AS=%s', (text, ids) => {
  expect(processSettings.runAs.parser.parse(text)).toEqual(ids);
});
