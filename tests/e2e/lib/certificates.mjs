// Certificates for a test, made by openssl: authorities, and what they sign.
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './program.mjs';

async function openssl(directory, ...args) {
  const { error, status, stderr } = await runProgram('openssl', args, { cwd: directory });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${error ?? stderr}`);
}

/** An authority in a directory of its own; `ca` is the path of its certificate. */
export class Authority {
  static async make(t, name = 'Test authority') {
    const authority = new Authority();
    authority.directory = mkdtempSync(join(tmpdir(), 'switchroom-certificates-'));
    t.after(() => rmSync(authority.directory, { recursive: true, force: true }));
    authority.ca = join(authority.directory, 'ca.pem');
    authority.n = 0;
    await openssl(authority.directory, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${name}`,
      '-addext', 'basicConstraints=critical,CA:TRUE');
    return authority;
  }

  /**
   * A certificate for `names` ("DNS:localhost", "IP:127.0.0.1"): {cert, key, both} are paths, `both` has the two in one
   * file. `days` may be negative: expired.
   */
  async issue(names, { days = 2, name = 'sip.example.com' } = {}) {
    const n = this.n++, at = (suffix) => join(this.directory, `${n}.${suffix}`);
    await openssl(this.directory, 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`);
    writeFileSync(at('ext'), `subjectAltName=${names.join(',')}\n`);
    await openssl(this.directory, 'x509', '-req', '-in', at('csr'), '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', String(1000 + n),
      '-out', at('pem'), '-days', String(days), '-extfile', at('ext'));
    writeFileSync(at('both'), readFileSync(at('pem'), 'utf8') + readFileSync(at('key'), 'utf8'));
    return { cert: at('pem'), key: at('key'), both: at('both') };
  }
}
