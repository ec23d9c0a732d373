// What the gateway, SIP and the browser say, in words for people. Loaded before app.js.
'use strict';

const SIP_WORDS = {
  400: 'the other side did not understand the call', 401: 'the SIP server wants other credentials',
  403: 'the SIP server forbids the call', 404: 'no such number', 405: 'the other side takes no calls',
  407: 'the SIP server wants other credentials', 408: 'no answer', 410: 'the number is no longer in use',
  415: 'no common audio format', 420: 'the other side asks for something unknown', 480: 'not available now',
  481: 'the call is not known any more', 482: 'the call went in a circle', 483: 'the call went in a circle',
  484: 'the number is incomplete', 485: 'the number is ambiguous', 486: 'busy', 487: 'cancelled',
  488: 'no common audio format', 500: 'the SIP server has an error', 501: 'the SIP server cannot do this',
  502: 'the SIP server got a bad answer', 503: 'the SIP server is not available', 504: 'the SIP server got no answer',
  600: 'busy', 603: 'declined', 604: 'no such number', 606: 'no common audio format', 607: 'unwanted', 608: 'rejected',
};
const LEFT_WORDS = {
  duplicate_identity: 'Somebody joined with the same identity, perhaps you in another window.',
  removed: 'An operator removed you from the room.',
  room_deleted: 'The room was closed by an operator.',
  media_failed: 'The audio connection failed: check that UDP gets through to the gateway.',
  media_lost: 'The audio connection was lost.',
  connection_lost: 'The connection to the gateway was lost.',
  server_shutdown: 'The gateway was stopped. Join again when it is back.',
};

/* Why a call ended, where that is not what a person did. */
const END_WORDS = {
  session_expired: 'the phone did not answer any more', max_call_duration: 'it had lasted as long as it may',
  nobody_came: 'nobody came into the room', media_timeout: 'no audio came from the phone any more',
  bad_sdp: 'no common audio format', room_full: 'the room is full', room_refused: 'the room is closed to it',
  pin_refused: 'no right PIN was entered', room_deleted: 'the room was closed', transferred: 'it was transferred',
  server_shutdown: 'the gateway was stopped',
};

function microphoneWords(error) {
  if (!window.isSecureContext)
    return `Browsers give a page the microphone only over https or on localhost. Open http://localhost:${location.port || 80}/ ` +
      'on the machine where the gateway runs, or start the gateway with --self-signed and open this page with https://.';
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'The browser has denied the microphone to this page. Allow it in the site settings next to the address, then join again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'There is no microphone on this device. Plug one in, or join and only listen.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The microphone cannot be opened: perhaps another program uses it.';
    default:
      return `The microphone cannot be used: ${error?.message ?? 'this browser has no support for it'}.`;
  }
}

function errorWords(error) {
  const status = error?.data?.sip_status_code;
  if (status) return `The call failed: ${SIP_WORDS[status] ?? 'refused'} (${status}).`;
  switch (error?.data?.code) {
    case 'unauthenticated': return 'The access token is not valid.';
    case 'permission_denied': return `The token does not allow this: ${error.message}.`;
    case 'resource_exhausted': return `The gateway or the room is full: ${error.message}.`;
    default: return error?.message ? `${error.message[0].toUpperCase()}${error.message.slice(1)}${/[.!?]$/.test(error.message) ? '' : '.'}` : 'Something went wrong.';
  }
}

/** What became of a call that is over; `end` is what the gateway says about it. */
function endWords(end, status) {
  const code = end.sip_status_code ?? status;
  if (end.cause === 'failed' && code === 503) return 'Failed: nothing answers at that address (503)';
  if (end.cause in END_WORDS) return `Ended: ${END_WORDS[end.cause]}`;
  if (code) return `Failed: ${SIP_WORDS[code] ?? end.sip_status ?? 'refused'} (${code})`;
  return end.reason === 'timeout' ? 'Failed: no answer' : 'Ended';
}
