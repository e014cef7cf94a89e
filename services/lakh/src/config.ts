import { type CommandSettings, commandSettings } from '@lakh/commands';
import { readProgramConfig } from '@lakh/process';
import { defineProgram } from '@lakh/settings';

export const tool = defineProgram({ name: 'tool', settings: commandSettings });

/** The only reader of the environment in this program. */
export function readConfig(): CommandSettings {
  return readProgramConfig(tool, process.env).settings;
}
