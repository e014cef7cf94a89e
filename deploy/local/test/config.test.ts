import { SettingsError } from '@lakh/settings';
import { readSettings } from '../src/config';

describe('the settings of the stack', () => {
  test('LAKH_ settings reach the servers, except those that the stack decides and its own', () => {
    const settings = readSettings({
      PATH: '/opt/bin:relative:/usr/bin',
      HOME: '/home/somebody',
      LAKH_RANGE_SIZE: '1000',
      LAKH_NO_SUCH: 'the servers judge names, not the stack',
      LAKH_INSTALL: '0',
      LAKH_GATEWAY_RATE: '7',
      LAKH_GATEWAY_REQUESTS: '8',
      LAKH_K6: '/k6',
      LAKH_LISTEN: '0.0.0.0:1',
      LAKH_DATABASE_FILE: '/x',
      LAKH_SERVER_ID: 'me',
    });
    expect(settings.serverSettings).toEqual({
      LAKH_RANGE_SIZE: '1000',
      LAKH_NO_SUCH: 'the servers judge names, not the stack',
    });
    expect(settings.ignoredSettings).toEqual(['LAKH_LISTEN', 'LAKH_DATABASE_FILE', 'LAKH_SERVER_ID']);
    expect(settings).toMatchObject({ installAllowed: false, gatewayRatePerS: 7, gatewayRequests: 8, underNpm: false });
    expect(settings.searchPath).toEqual(expect.arrayContaining(['/opt/bin', '/usr/sbin']));
    expect(settings.searchPath).not.toContain('relative');
  });

  test('defaults: installing is allowed, the rate is generous', () => {
    expect(readSettings({})).toMatchObject({ installAllowed: true, gatewayRatePerS: 100_000, serverSettings: {} });
    expect(readSettings({ npm_lifecycle_event: 'stack' }).underNpm).toBe(true);
  });

  test.each([
    { LAKH_INSTALL: 'no' },
    { LAKH_INSTALL: '' },
    { LAKH_GATEWAY_REQUESTS: '0' },
    { LAKH_GATEWAY_RATE: '' },
    { LAKH_GATEWAY_RATE: '0' },
    { LAKH_GATEWAY_RATE: '1e3' },
    { LAKH_GATEWAY_RATE: '1000001' },
    { LAKH_GATEWAY_RATE: '10r/s; evil' },
  ])('%j is refused by name', (env) => {
    expect(() => readSettings(env)).toThrow(SettingsError);
    expect(() => readSettings(env)).toThrow(Object.keys(env)[0]);
  });
});
