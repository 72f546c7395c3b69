// SPDX-License-Identifier: Apache-2.0
// A time stamping authority (RFC 3161) of the test's own: OpenSSL behind a small HTTP server.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CONFIG = (folder) => `
[tsa]
default_tsa = authority
[authority]
serial = ${folder}/serial
crypto_device = builtin
signer_cert = ${folder}/tsa.pem
signer_key = ${folder}/tsa.key
signer_digest = sha256
certs = ${folder}/ca.pem
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
`;

function openssl(...args) {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function makeKeys(folder) {
  const at = (name) => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=Root of the test');
  openssl('req', ...key, '-keyout', at('tsa.key'), '-out', at('tsa.csr'), '-subj', '/CN=Authority of the test');
  writeFileSync(at('tsa.ext'), 'extendedKeyUsage = critical, timeStamping\nkeyUsage = critical, digitalSignature\n');
  openssl('x509', '-req', '-in', at('tsa.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial',
    '-extfile', at('tsa.ext'), '-days', '2', '-out', at('tsa.pem'));
  writeFileSync(at('serial'), '01\n');
  writeFileSync(at('tsa.cnf'), CONFIG(folder));
}

/** { url, ca (a file), asked: how often, pause(): nobody is there, resume(), close() } */
export async function startAuthority() {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-tsa-'));
  const authority = { ca: join(folder, 'ca.pem'), asked: 0 };
  makeKeys(folder);
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    authority.asked += 1;
    writeFileSync(join(folder, 'query'), Buffer.concat(pieces));
    openssl('ts', '-reply', '-config', join(folder, 'tsa.cnf'), '-queryfile', join(folder, 'query'), '-out', join(folder, 'reply'));
    response.setHeader('Content-Type', 'application/timestamp-reply');
    response.end(readFileSync(join(folder, 'reply')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  authority.url = `http://127.0.0.1:${port}/tsa`;
  authority.pause = async () => {
    server.close();
    await once(server, 'close');
  };
  authority.resume = () => once(server.listen(port, '127.0.0.1'), 'listening');
  authority.close = () => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return authority;
}
