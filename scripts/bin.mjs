#!/usr/bin/env node
/** `npx lakh …` is `npm run lakh -- …`. */
process.argv.splice(2, 0, 'lakh');
await import('./run.mjs');
