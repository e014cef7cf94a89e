import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A CA of its own in a folder, which makes out certificates for a day. */
export class CertificateAuthority {
  readonly caFile: string;
  readonly #dir: string;
  readonly #keyFile: string;

  constructor(dir: string, name = 'ca') {
    this.#dir = dir;
    this.caFile = join(dir, `${name}.pem`);
    this.#keyFile = join(dir, `${name}.key`);
    openssl('-keyout', this.#keyFile, '-out', this.caFile, '-subj', `/CN=${name}`);
  }

  /**
   * Its private key can be read by everybody.
   *
   * @param names as a certificate has them: `IP:127.0.0.1`, `DNS:redis.example`
   */
  issue(file: string, names: readonly string[]): Identity {
    const [certFile, keyFile] = [join(this.#dir, `${file}.pem`), join(this.#dir, `${file}.key`)];
    openssl(
      ...['-CA', this.caFile, '-CAkey', this.#keyFile, '-keyout', keyFile, '-out', certFile, '-subj', `/CN=${file}`],
      ...['-addext', `subjectAltName=${names.join(',')}`, '-addext', 'basicConstraints=critical,CA:false'],
    );
    chmodSync(keyFile, 0o644);
    return { certFile, keyFile };
  }
}

function openssl(...args: readonly string[]): void {
  const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  execFileSync('openssl', [...common, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}
