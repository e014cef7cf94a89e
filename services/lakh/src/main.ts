#!/usr/bin/env node
/** `lakh`: the operator's commands. */
import { once } from 'node:events';
import { run } from '@lakh/commands';
import { readConfig } from './config.js';

async function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}

process.exitCode = await run({
  version: '0.1.0',
  argv: process.argv.slice(2),
  config: readConfig,
  stdout: (text) => write(process.stdout, text),
  stderr: (text) => write(process.stderr, text),
});
