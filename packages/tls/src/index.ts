export { readTlsFiles, type TlsFiles } from './tls-files.js';
export { TLS_OPTIONS, type TlsMode, type TlsOptions, type TlsWords, tlsOptionsOf } from './tls-options.js';
export { unknownOption } from './unknown-option.js';
