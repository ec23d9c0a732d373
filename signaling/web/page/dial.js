// Calling out: what was typed, the trunk or server to call it through, the keypad. Loaded before app.js, whose state and
// functions it uses once that runs.
'use strict';

let extensions = new Set(); // those with a phone that is registered

/** What was typed as a destination: {uri} of a whole address, {user} of an extension or a number. */
function destination(text) {
  const typed = text.trim();
  if (typed.includes('@')) return { uri: /^sips?:/i.test(typed) ? typed : `sip:${typed}` };
  const plain = typed.replace(/^(sips?|tel):/i, '');
  return { user: /^[+\d\s()/.-]+$/.test(plain) ? plain.replace(/[\s()/.-]/g, '') : plain };
}

function option(value, text = value) {
  const node = element('option', '', text);
  node.value = value;
  return node;
}

/** The trunks to call through and the extensions that can be called, as far as the token may see them. */
async function loadTargets() {
  const { trunks = [] } = await request('trunk.list').catch(() => ({}));
  const names = trunks.filter((trunk) => trunk.outbound_address).map((trunk) => trunk.name || trunk.sip_trunk_id);
  const { value: chosen, options } = $('trunk');
  const hadChoice = options.length > 1;
  $('trunk').replaceChildren(...names.map((name) => option(name)), option('', 'another SIP server'));
  $('trunk').value = hadChoice && ['', ...names].includes(chosen) ? chosen : names[0] ?? '';
  $('trunk').hidden = names.length === 0;
  const { registrations = [] } = await request('registration.list').catch(() => ({}));
  extensions = new Set(registrations.filter((each) => each.registered).map((each) => each.username));
  $('known').replaceChildren(...[...extensions].map((name) => option(name)));
  showServerField();
}

/** Asks for a trunk or server where what is typed does not say whom it belongs to. */
function showServerField() {
  const { user } = destination($('number').value);
  $('server-part').hidden = !user || extensions.has(user);
  $('server').hidden = $('trunk').value !== '';
}

function typeKey(key) {
  $('number').value += key;
  showServerField();
}

async function dial(event) {
  event.preventDefault();
  notice();
  const { uri, user } = destination($('number').value);
  const params = { sip_call_to: uri ?? user, room_name: state.room };
  const [trunk, server] = [$('trunk').value, $('server').value.trim()];
  if (user && !extensions.has(user)) {
    if (trunk) params.sip_trunk_id = trunk;
    else if (server) params.trunk = { hostname: server };
  }
  try {
    await request('participant.create', params);
    $('number').select();
  } catch (error) {
    if (!/sip_trunk_id/.test(error.message)) return notice(errorWords(error));
    $('server-part').hidden = $('server').hidden = false;
    $('server').focus();
    notice('A number needs a SIP server to call it through: give its host, or type a whole address like sip:name@host.');
  }
}
