import { accessRule, apiSettings } from '@lakh/api';
import { clusterSettings } from '@lakh/backend';
import { crossOriginSettings, httpSettings, listenRule } from '@lakh/http';
import { issuingSettings, leaseSettings } from '@lakh/issuing';
import { type ProgramConfig, processSettings, readProgramConfig, workersRule } from '@lakh/process';
import { defineProgram, type SettingsOf } from '@lakh/settings';
import { codecRule, codecSettings } from '@lakh/short-code';

export const shorten = defineProgram({
  name: 'shorten',
  settings: {
    ...httpSettings,
    ...crossOriginSettings,
    ...apiSettings,
    ...codecSettings,
    ...issuingSettings,
    ...clusterSettings,
    ...leaseSettings,
    ...processSettings,
  },
  rules: [listenRule, accessRule, codecRule, workersRule],
});

export type ShortenSettings = SettingsOf<typeof shorten.settings>;

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<ShortenSettings> {
  return readProgramConfig(shorten, process.env);
}
