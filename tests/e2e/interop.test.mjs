// The interop suite: every scenario of tests/sipp passes against the shipped configuration, and fails when it should.
import { test } from './lib/tap.mjs';
import { runScenarios, startInterop, targetFile } from './lib/interop.mjs';
import { freePort } from './lib/ports.mjs';

for (const transport of ['udp', 'tcp'])
  test(`interop scenarios over ${transport}`, { timeout: 120 }, async (t) => {
    const { gateway } = await startInterop(t);
    const { status, output } = await runScenarios(t, gateway.config.sip_port, {
      RUN_ALL: 1, RUN_TLS: 0, RUN_PROXY: 0, SKIP: 'register register-ipv6 register_wrong_password', TRANSPORT: transport, REFER_TARGET_CSV: targetFile(t, await freePort()),
    });
    t.note(output);
    t.equal(status, 0, 'status');
  });
