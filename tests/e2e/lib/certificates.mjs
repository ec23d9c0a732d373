// Certificates for a test, made by openssl: authorities, and what they sign.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const openssl = (directory, ...args) =>
  execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });

/** An authority in a directory of its own; `ca` is the path of its certificate. */
export class Authority {
  constructor(t, name = 'Test authority') {
    this.directory = mkdtempSync(join(tmpdir(), 'switchroom-certificates-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    this.ca = join(this.directory, 'ca.pem');
    this.n = 0;
    openssl(this.directory, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${name}`,
      '-addext', 'basicConstraints=critical,CA:TRUE');
  }

  /**
   * A certificate for `names` ("DNS:localhost", "IP:127.0.0.1"): {cert, key, both} are paths, `both` has the two in one
   * file. `days` may be negative: expired.
   */
  issue(names, { days = 2, name = 'sip.example.com' } = {}) {
    const at = (suffix) => join(this.directory, `${this.n}.${suffix}`);
    this.n += 1;
    openssl(this.directory, 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`);
    writeFileSync(at('ext'), `subjectAltName=${names.join(',')}\n`);
    openssl(this.directory, 'x509', '-req', '-in', at('csr'), '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
      '-out', at('pem'), '-days', String(days), '-extfile', at('ext'));
    writeFileSync(at('both'), readFileSync(at('pem'), 'utf8') + readFileSync(at('key'), 'utf8'));
    return { cert: at('pem'), key: at('key'), both: at('both') };
  }
}
