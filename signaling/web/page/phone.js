// One phone of the room: hold, keys, transfer. Its panel stands outside of the list of people, which is drawn again and
// again. Loaded before app.js, whose state and functions it uses once that runs.
'use strict';

const shownPhone = () => state.people.get(state.phone);
const phoneTarget = () => ({ room: state.room, identity: state.phone });
const isHeld = (participant) => ['local', 'both'].includes(participant?.attributes?.['sip.hold']);

function showPhone(identity) {
  state.phone = state.phone === identity ? null : identity;
  render();
  if (state.phone) $('phone').scrollIntoView({ block: 'nearest' });
}

function renderPhone() {
  const participant = shownPhone();
  if (!participant) state.phone = null;
  $('phone').hidden = !participant;
  if (!participant) return;
  const active = participant.attributes?.['sip.callStatus'] === 'active';
  $('phone-title').textContent = shownName(participant);
  $('hold').textContent = isHeld(participant) ? 'Resume' : 'Hold';
  $('hold').setAttribute('aria-pressed', String(isHeld(participant)));
  for (const control of $('phone').querySelectorAll('.answered')) control.disabled = !active || state.transfers.has(state.phone);
}

/** Runs what a button of the phone's panel asks for; says what went wrong. */
async function phoneDoes(action) {
  try {
    notice();
    await action();
  } catch (error) {
    notice(errorWords(error));
  }
}

const toggleHold = () => phoneDoes(async () => {
  const { participant } = await request('participant.hold', { ...phoneTarget(), held: !isHeld(shownPhone()) });
  if (participant && state.people.has(participant.identity)) state.people.set(participant.identity, participant);
  render();
});

const pressKey = (digits) => phoneDoes(() => request('participant.send_dtmf', { ...phoneTarget(), digits }));

function transfer(event) {
  event.preventDefault();
  const { uri, user } = destination($('transfer-to').value);
  return phoneDoes(async () => {
    await request('participant.transfer', { ...phoneTarget(), transfer_to: uri ?? user });
    $('transfer-to').value = '';
  });
}
