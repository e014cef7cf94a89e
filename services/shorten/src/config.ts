import { accessRule, apiSettings } from '@lakh/api';
import { clusterSettings } from '@lakh/backend';
import { httpSettings, listenRule } from '@lakh/http';
import { issuingSettings, leaseSettings } from '@lakh/issuing';
import { oneProcessRule, type ProgramConfig, readProgramConfig, singleProcess } from '@lakh/process';
import { defineProgram, type SettingsOf } from '@lakh/settings';
import { codecRule, codecSettings } from '@lakh/short-code';

export const shorten = defineProgram({
  name: 'shorten',
  settings: {
    ...httpSettings,
    ...apiSettings,
    ...codecSettings,
    ...issuingSettings,
    ...clusterSettings,
    ...leaseSettings,
    ...singleProcess,
  },
  rules: [listenRule, accessRule, codecRule, oneProcessRule],
});

export type ShortenSettings = SettingsOf<typeof shorten.settings>;

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<ShortenSettings> {
  return readProgramConfig(shorten, process.env);
}
