// Kamailio as a proxy between phones and the gateway: a Debian package, started in the foreground on free ports.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { Skip, until, sleep } from './tap.mjs';

const program = '/usr/sbin/kamailio';

function modulePath() {
  const roots = existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'kamailio/modules')) : [];
  return ['/usr/lib/kamailio/modules', ...roots].find((path) => existsSync(join(path, 'tm.so')));
}

const configuration = ({ modules, udp, tls, tlsConfig, routes, registrar }) => `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
auto_aliases=no
enable_tls=yes
listen=udp:127.0.0.1:${udp}
listen=tls:127.0.0.1:${tls}
mpath="${modules}/"
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "tls.so"
${registrar ? 'loadmodule "usrloc.so"\nloadmodule "registrar.so"\n' : ''}modparam("rr", "enable_double_rr", 1)
modparam("tls", "config", "${tlsConfig}")

request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
${registrar ? '  if (is_method("REGISTER")) { save("location"); exit; }\n' : ''}${Object.entries(routes).map(([user, uri]) => `  if ($rU == "${user}") { $ru = "${uri}"; record_route(); t_relay(); exit; }`).join('\n')}
  sl_send_reply("404", "Not found");
}
`;

const tlsConfiguration = ({ certificate, ca }) => `[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
private_key = ${certificate.key}
certificate = ${certificate.cert}
ca_list = ${ca}
[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = ${certificate.key}
certificate = ${certificate.cert}
ca_list = ${ca}
`;

const connects = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
  socket.once('error', () => resolve(false));
});

/**
 * A proxy that puts itself into the route of each call. `routes`: {user: URI}, where calls to that user go. `udp` and `tls`
 * are its ports; certificates are checked on the way out. `registrar`: takes every REGISTER.
 */
export class Kamailio {
  static async start(t, { authority, routes, registrar = false }) {
    const modules = modulePath();
    if (!existsSync(program) || !modules || !existsSync(join(modules, 'tls.so')))
      throw new Skip('kamailio and kamailio-tls-modules are not installed (tools/packages.sh)');
    const proxy = new Kamailio();
    proxy.directory = mkdtempSync(join(tmpdir(), 'switchroom-kamailio-'));
    [proxy.udp, proxy.tls] = [await freePort(), await freePort()];
    const file = (name, text) => (writeFileSync(join(proxy.directory, name), text), join(proxy.directory, name));
    const tlsConfig = file('tls.cfg', tlsConfiguration({ certificate: await authority.issue(['IP:127.0.0.1']), ca: authority.ca }));
    const config = file('kamailio.cfg', configuration({ modules, udp: proxy.udp, tls: proxy.tls, tlsConfig, routes, registrar }));
    proxy.output = '';
    proxy.child = spawn(program, ['-DD', '-E', '-f', config, '-m', '32', '-M', '4', '-w', proxy.directory, '-Y', proxy.directory],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [proxy.child.stdout, proxy.child.stderr]) stream.on('data', (data) => (proxy.output += data));
    const exit = new Promise((resolve) => proxy.child.once('close', resolve));
    exit.then(() => (proxy.exited = true));
    t.after(async () => {
      if (!proxy.exited) proxy.child.kill('SIGTERM'); // its children end with it
      if (!(await Promise.race([exit.then(() => true), sleep(5000)]))) proxy.child.kill('SIGKILL');
      rmSync(proxy.directory, { recursive: true, force: true });
    });
    await until('Kamailio listens', async () => {
      if (proxy.exited) throw new Error(`Kamailio ended: ${proxy.output.slice(-2000)}`);
      return connects(proxy.tls);
    });
    return proxy;
  }
}
