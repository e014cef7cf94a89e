import { type GatewayConfig, generationOf, renderGatewayConfig } from '../src/servers/nginx-config';

const config: GatewayConfig = {
  port: 8080,
  adminPort: 8081,
  shortenPorts: [9001, 9002],
  redirectPorts: [9003],
  ratePerS: 500,
};

describe("the gateway's configuration", () => {
  const text = renderGatewayConfig(config);

  test('listens on loopback only and lists every server', () => {
    expect(text.match(/listen .*;/g)).toEqual([
      'listen 127.0.0.1:8080 default_server backlog=4096;',
      'listen 127.0.0.1:8081;',
    ]);
    expect(text.match(/^ {4}server .*?(?= )/gm)).toHaveLength(3);
    expect(text).toContain('rate=500r/s');
  });

  test('has no absolute path, so nothing is written outside its folder', () => {
    const paths = text.match(/^\s*(pid|error_log|access_log|\w+_temp_path)\s+\S+/gm) ?? [];
    expect(paths).toHaveLength(9);
    for (const path of paths) expect(path).not.toMatch(/ \//);
  });

  test('never asks for a POST to be sent twice, nor for targets to be rewritten', () => {
    expect(text).toContain('proxy_next_upstream error timeout;');
    expect(text).toContain('proxy_redirect off;');
  });

  test('logs neither paths nor query strings', () => {
    const format = /log_format gateway ([^;]*);/.exec(text)?.[1];
    expect(format).not.toMatch(/\$(request_uri|uri|args|query_string|request\b|http_)/);
  });

  test('its generation changes with anything in it, and is told by the admin listener', () => {
    expect(text).toContain(`return 200 "${generationOf(config)}"`);
    expect(generationOf({ ...config, shortenPorts: [9001] })).not.toBe(generationOf(config));
    expect(generationOf({ ...config })).toBe(generationOf(config));
  });

  test.each<[string, object]>([
    ['a port that is no number', { shortenPorts: ['9001; evil'] }],
    ['a port out of range', { redirectPorts: [65_536] }],
    ['a fractional port', { port: 80.5 }],
    ['no servers', { shortenPorts: [] }],
    ['a rate with a unit', { ratePerS: '1r/s; evil' }],
    ['a rate of nothing', { ratePerS: 0 }],
    ['a user with a semicolon', { workerUser: 'nobody; evil' }],
    ['a user with a newline', { workerUser: 'nobody\nevil' }],
    ['a user with three words', { workerUser: 'a b c' }],
  ])('refuses %s', (_, change) => {
    expect(() => renderGatewayConfig({ ...config, ...change } as GatewayConfig)).toThrow(RangeError);
  });
});
