import { accessRule, apiSettings } from '@lakh/api';
import { fileSettings } from '@lakh/backend';
import { crossOriginSettings, httpSettings, listenRule, wireSettings } from '@lakh/http';
import { issuingSettings } from '@lakh/issuing';
import { oneProcessRule, type ProgramConfig, readProgramConfig, singleProcess } from '@lakh/process';
import { redirectSettings } from '@lakh/redirects';
import { defineProgram, type SettingsOf } from '@lakh/settings';
import { codecRule, codecSettings } from '@lakh/short-code';
import { siteSettings } from '@lakh/site';

/** Its lease is a commit and no way over a network, so what a kill loses can be little: short codes are few. */
const SMALL_RANGE = '1000';

export const standalone = defineProgram({
  name: 'standalone',
  settings: {
    ...httpSettings,
    ...wireSettings,
    ...crossOriginSettings,
    ...apiSettings,
    ...codecSettings,
    ...issuingSettings,
    rangeSize: { ...issuingSettings.rangeSize, default: SMALL_RANGE },
    ...fileSettings,
    ...redirectSettings,
    ...siteSettings,
    ...singleProcess,
  },
  rules: [listenRule, accessRule, codecRule, oneProcessRule],
});

export type StandaloneSettings = SettingsOf<typeof standalone.settings>;

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<StandaloneSettings> {
  return readProgramConfig(standalone, process.env);
}
