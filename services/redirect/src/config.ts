import { storageSettings } from '@lakh/backend';
import { httpSettings, listenRule, wireSettings } from '@lakh/http';
import { type ProgramConfig, processSettings, readProgramConfig, workersRule } from '@lakh/process';
import { redirectSettings } from '@lakh/redirects';
import { defineProgram, type SettingsOf } from '@lakh/settings';
import { siteSettings } from '@lakh/site';

export const redirect = defineProgram({
  name: 'redirect',
  settings: {
    ...httpSettings,
    ...wireSettings,
    ...storageSettings,
    ...redirectSettings,
    ...siteSettings,
    ...processSettings,
  },
  rules: [listenRule, workersRule],
});

export type RedirectSettings = SettingsOf<typeof redirect.settings>;

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<RedirectSettings> {
  return readProgramConfig(redirect, process.env);
}
