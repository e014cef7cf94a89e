import { formatZookeeperAddress, InvalidZookeeperAddressError, parseZookeeperAddress } from '../src/index';

test.each([
  ['h1:2181,h2:2182,h3:2183/chroot', ['h1:2181', 'h2:2182', 'h3:2183'], '/chroot'],
  ['localhost', ['localhost:2181'], '/lakh'],
  ['10.0.0.1:1', ['10.0.0.1:1'], '/lakh'],
  ['zk-1.example.com.:65535/a/b_c.d', ['zk-1.example.com.:65535'], '/a/b_c.d'],
  ['zk/', ['zk:2181'], ''],
  ['[::1]:2181,[fe80::2]/x', ['::1:2181', 'fe80::2:2181'], '/x'],
])('%s', (text, servers, chroot) => {
  const address = parseZookeeperAddress(text);
  expect(address.servers.map(({ host, port }) => `${host}:${port}`)).toEqual(servers);
  expect(address.chroot).toBe(chroot);
  expect(parseZookeeperAddress(formatZookeeperAddress(address))).toEqual(address);
});

test.each([
  ['', /no server is named/],
  ['/lakh', /no server is named/],
  ['h1,,h2', /^"" is not host or host:port/],
  ['h1:2181,', /^"" is not host or host:port/],
  ['h1:0', /^"h1:0" is not host or host:port/],
  ['h1:65536', /^"h1:65536" is not/],
  ['h1:', /^"h1:" is not/],
  ['h1:21a', /^"h1:21a" is not/],
  ['h1:02181', /^"h1:02181" is not/],
  ['h1:2181 , h2', /^"h1:2181 " is not/],
  ['zk://h1:2181', /^"zk:" is not/],
  ['user@h1', /^"user@h1" is not/],
  ['::1:2181', /^"::1:2181" is not/],
  ['[::g]:2181', /^"\[::g\]:2181" is not/],
  ['h1/a/', /is not a chroot/],
  ['h1//a', /is not a chroot/],
  ['h1/a/../b', /is not a chroot/],
  ['h1/a b', /is not a chroot/],
  ['h1/a,h2/b', /is not a chroot/],
  ['h1/zookeeper/x', /ZooKeeper's own/],
  [`h1/${'x'.repeat(256)}`, /257 characters/],
  ['h1:2181,H1:2181', /named twice/],
  [Array.from({ length: 65 }, (_, i) => `h${i}`).join(','), /65 servers/],
])('refuses %s', (text, message) => {
  expect(() => parseZookeeperAddress(text)).toThrow(message);
  expect(() => parseZookeeperAddress(text)).toThrow(InvalidZookeeperAddressError);
});
