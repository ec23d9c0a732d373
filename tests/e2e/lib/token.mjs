// Access tokens as the gateway checks them: JWT, HS256, LiveKit's claims.
import { createHmac } from 'node:crypto';

const encode = (data) => Buffer.from(JSON.stringify(data)).toString('base64url');

export function signedToken(secret, claims, header = { alg: 'HS256', typ: 'JWT' }) {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** A token for `identity`; `grants` goes over the default, which may do everything. */
export function accessToken({ key, secret }, identity, grants = {}) {
  const now = Math.floor(Date.now() / 1000);
  const video = { roomJoin: true, roomAdmin: true, roomCreate: true, roomList: true, canPublish: true, canSubscribe: true };
  const claims = { iss: key, sub: identity, name: identity, nbf: now - 60, exp: now + 3600 };
  return signedToken(secret, { ...claims, video: { ...video, ...grants.video }, sip: { admin: true, call: true, ...grants.sip } });
}
