"""The two sides of a scripted call: `Caller` sends the INVITE, `Callee` answers one."""

import os
import re
import select
import sys
import time

from . import audio, sip
from .rtp import Rtp

FINAL_WAIT = 40.0
BYE_WAIT = 8.0


class Phone:
    """What both sides share: the dialog, its audio, commands from standard input, the report."""

    def __init__(self, options, report):
        self.options, self.report = options, report
        self.codec = audio.CODECS[options.codec]
        self.source = audio.Clip(options.play) if options.play else audio.Tone(options.tone)
        self.call_id, self.local_tag, self.remote_tag = sip.token(), sip.token(), ""
        self.local_cseq, self.version = 0, 1
        self.session = int(time.time())
        self.route = []
        self.rtp = None
        self.established = None
        self.ended = False
        self.heard_from = 0
        self.next_report = None
        self.commands, self.partial = [sys.stdin] if options.interactive else [], ""
        self.bye_sent = None
        self.offer_pending = {}

    # --- building -------------------------------------------------------------------------------------
    def contact(self):
        host, port = self.transport.local
        suffix = ";transport=tcp" if self.transport.kind == "tcp" else ""
        return f"<sip:{self.options.user}@{sip.bracketed(host)}:{port}{suffix}>"

    def description(self, direction="sendrecv"):
        return sip.sdp(self.transport.local[0], self.rtp.port, [self.codec], self.session, self.version, direction)

    def request(self, method, body="", cseq=None, branch=None, extra=()):
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        host, port = self.transport.local
        remote_tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        lines = [
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.kind.upper()} {sip.bracketed(host)}:{port}"
            f";branch={branch or 'z9hG4bK' + sip.token()};rport",
            "Max-Forwards: 70",
            *(f"Route: {route}" for route in self.route),
            f"From: {self.local_name};tag={self.local_tag}",
            f"To: {self.remote_name}{remote_tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: {self.contact()}",
            "User-Agent: switchroom-phone",
            *extra,
        ]
        return self.finish(lines, body)

    def response(self, request, status, reason, body="", extra=()):
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {via}" for via in request.headers.get("via", [])]
        lines += [f"Record-Route: {route}" for route in request.headers.get("record-route", [])]
        to = request.get("to")
        if status > 100 and not sip.tag_of(to):
            to += f";tag={self.local_tag}"
        lines += [f"From: {request.get('from')}", f"To: {to}", f"Call-ID: {request.get('call-id')}"]
        lines += [f"CSeq: {request.get('cseq')}", f"Contact: {self.contact()}", *extra]
        return self.finish(lines, body)

    @staticmethod
    def finish(lines, body):
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def send(self, text):
        self.transport.send(text, self.destination)

    # --- audio ----------------------------------------------------------------------------------------
    def start_audio(self, body):
        answer = sip.parse_sdp(body)
        if self.codec.payload_type not in answer["types"] or not answer["port"]:
            raise ValueError(f"{self.codec.name} was not accepted: {answer}")
        if answer["event_type"]:
            self.rtp.event_type = answer["event_type"]
        self.rtp.sending = answer["direction"] in ("sendrecv", "recvonly")
        self.rtp.start(answer["address"], answer["port"])
        return answer

    def measure(self):
        """Once a second: the level of each tone of interest in what was heard since the last time."""
        if not self.rtp or self.next_report is None or time.monotonic() < self.next_report:
            return
        self.next_report += 1.0
        samples = self.rtp.samples[self.heard_from :]
        self.heard_from += len(samples)
        levels = {f"{hz:g}": audio.level_db(samples, hz) for hz in self.options.listen}
        late, self.rtp.late_ms = self.rtp.late_ms, 0.0
        self.report("heard", samples=len(samples), rms_db=audio.rms_db(samples), levels=levels, late_ms=round(late))

    def audio_starts(self):
        self.established = time.monotonic()
        if self.next_report is None:
            self.next_report = self.established + 1.0

    # --- in the dialog --------------------------------------------------------------------------------
    def command(self, line):
        word, _, rest = line.strip().partition(" ")
        if word == "bye":
            self.hang_up()
        elif word == "dtmf":
            self.rtp.send_digits(rest)
        elif word == "tone":
            self.source.hz = float(rest)
        elif word in ("hold", "resume"):
            self.reinvite({"hold": "sendonly", "resume": "sendrecv"}[word])
        elif word:
            self.report("unknown_command", word=word)

    def reinvite(self, direction):
        self.version += 1
        text = self.request("INVITE", self.description(direction))
        self.offer_pending[self.local_cseq] = direction
        self.repeat.start(text, self.destination)

    def hang_up(self):
        self.bye_sent = time.monotonic()
        self.repeat.start(self.request("BYE"), self.destination)
        self.ended_by = "local"

    def in_dialog_request(self, message):
        if message.method == "BYE":
            self.send(self.response(message, 200, "OK"))
            self.reason = message.get("reason")
            self.ended, self.ended_by = True, "remote"
        elif message.method == "INVITE":
            if message.body:
                answer = self.start_audio(message.body)
                self.report("reinvited", direction=answer["direction"])
                mirror = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(answer["direction"], answer["direction"])
                self.send(self.response(message, 200, "OK", self.description(mirror)))
            else:
                self.send(self.response(message, 200, "OK", self.description()))
        elif message.method == "ACK":
            self.repeat.stop()
        elif message.method == "UPDATE" and message.body:
            self.start_audio(message.body)
            self.send(self.response(message, 200, "OK", self.description()))
        elif message.method == "CANCEL":
            self.send(self.response(message, 481, "Call/Transaction Does Not Exist"))
        else:
            self.send(self.response(message, 200, "OK"))

    def in_dialog_response(self, message):
        if message.method == "BYE" and message.status >= 200:
            self.repeat.stop()
            self.ended = True
        elif message.method == "INVITE" and message.status >= 200:
            self.repeat.stop()
            self.send(self.request("ACK", cseq=message.cseq))
            if message.cseq in self.offer_pending:
                wanted = self.offer_pending.pop(message.cseq)
                got = None
                if message.status < 300:
                    answer = self.start_audio(message.body)
                    got = answer["direction"]
                self.report("reinvite_answered", status=message.status, offered=wanted, answered=got)

    # --- the loop -------------------------------------------------------------------------------------
    def turn(self, timeout=0.05):
        """One turn: a message, a command, retransmissions, the measurement."""
        message, source = self.transport.receive(timeout, self.commands)
        if message:
            self.receive(message, source)
        elif self.commands and select.select(self.commands, [], [], 0)[0]:
            self.read_commands()
        self.repeat.tick()
        self.measure()

    def read_commands(self):
        data = os.read(0, 4096).decode()
        if not data:
            self.commands = []
        *lines, self.partial = (self.partial + data).split("\n")
        for line in lines:
            self.command(line)

    def over(self):
        if self.ended:
            return True
        if self.bye_sent and time.monotonic() > self.bye_sent + BYE_WAIT:
            self.report("bye_not_answered")
            return True
        limit = self.options.seconds
        if self.established and limit and time.monotonic() > self.established + limit and self.ended_by is None:
            if self.options.hangup:
                self.hang_up()
            else:
                self.ended_by = "limit"
                return True
        return False

    def interrupted(self):
        """Ctrl-C: hangs up, and waits a little for the answer."""
        if not self.ended:
            self.give_up()
            until = time.monotonic() + 2
            while not self.ended and time.monotonic() < until:
                self.turn()
                if self.established and not self.bye_sent:  # it was answered before it was cancelled
                    self.hang_up()
        return 130

    def give_up(self):
        if self.established:
            self.hang_up()
        else:
            self.ended = True

    def close(self):
        if self.rtp:
            self.rtp.close()
            if self.options.record:
                audio.save_wav(self.options.record, self.rtp.samples)
            self.report("ended", by=self.ended_by, reason=self.reason, **self.rtp.summary())
        else:
            self.report("ended", by=self.ended_by, reason=self.reason)
        self.transport.close()

    ended_by = None
    reason = ""


class Caller(Phone):
    """Calls `options.uri`."""

    def __init__(self, options, report):
        super().__init__(options, report)
        self.target = self.uri = options.uri
        self.destination = sip.host_port(options.uri)
        if options.proxy:
            self.destination = sip.host_port(options.proxy)
        local = options.local or ("::1" if ":" in self.destination[0] else "127.0.0.1")
        self.transport = sip.Transport(options.transport, local, options.port, self.destination)
        self.repeat = sip.Retransmitter(self.transport)
        host, port = self.transport.local
        self.local_name = f"<sip:{options.user}@{sip.bracketed(host)}:{port}>"
        self.remote_name = f"<{options.uri}>"
        self.rtp = Rtp(local, self.codec, self.source)
        self.cancelled = False

    def run(self):
        self.branch = "z9hG4bK" + sip.token()
        body = "" if self.options.no_offer else self.description()
        self.repeat.start(self.request("INVITE", body, branch=self.branch), self.destination)
        started = time.monotonic()
        while not self.over():
            self.turn()
            waited = time.monotonic() - started
            if not self.established and self.options.cancel_after and waited > self.options.cancel_after:
                self.cancel()
            if not self.established and waited > FINAL_WAIT:
                self.report("no_answer")
                break
        return 0 if self.established else 1

    def give_up(self):
        if self.established:
            self.hang_up()
        else:
            self.cancel()

    def cancel(self):
        if not self.cancelled:
            self.cancelled = True
            self.send(self.request("CANCEL", cseq=1, branch=self.branch))

    def receive(self, message, source):
        if message.get("call-id") != self.call_id:
            return
        if not message.status:
            self.in_dialog_request(message)
        elif message.method == "INVITE" and message.cseq == 1:
            self.invite_answered(message)
        elif message.method == "CANCEL":
            self.report("cancel_answered", status=message.status)
        else:
            self.in_dialog_response(message)

    def invite_answered(self, message):
        if message.status < 200:
            self.repeat.stop()
            self.report("provisional", status=message.status)
            if message.body:
                self.start_audio(message.body)
                self.next_report = self.next_report or time.monotonic() + 1.0
            return
        self.repeat.stop()
        self.remote_tag = sip.tag_of(message.get("to"))
        if message.status >= 300:
            self.send(self.request("ACK", cseq=1, branch=self.branch))
            self.report("rejected", status=message.status, reason=message.reason)
            self.ended, self.ended_by = True, "rejected"
            return
        if self.established:  # a retransmitted 200: its ACK was lost
            self.send(self.ack_text)
            return
        self.target = sip.address_of(message.get("contact")) or self.target
        self.route = list(reversed(message.headers.get("record-route", [])))
        answer = self.start_audio(message.body)
        self.ack_text = self.request("ACK", self.description() if self.options.no_offer else "", cseq=1)
        self.send(self.ack_text)
        self.audio_starts()
        self.report("answered", status=message.status, direction=answer["direction"], types=answer["types"])
        if self.options.dtmf:
            self.rtp.send_digits(self.options.dtmf)


class Callee(Phone):
    """Waits for one call and treats it as the options say."""

    def __init__(self, options, report):
        super().__init__(options, report)
        self.transport = sip.Transport(options.transport, options.local or "127.0.0.1", options.port)
        self.repeat = sip.Retransmitter(self.transport)
        self.invite = None
        self.nonce = sip.token()
        self.answered = False
        self.asked = 0
        self.challenged_cseq = 0
        report("listening", host=self.transport.local[0], port=self.transport.local[1])

    def run(self):
        while not self.over():
            self.turn()
            if self.invite and not self.answered:
                self.progress(time.monotonic() - self.rang_at)
        return 0 if self.established else 1

    def receive(self, message, source):
        self.destination = source
        if message.status:
            self.in_dialog_response(message)
        elif message.method == "INVITE" and not sip.tag_of(message.get("to")):
            self.called(message)
        elif message.method == "CANCEL" and self.invite and not self.answered:
            self.send(self.response(message, 200, "OK"))
            self.send(self.response(self.invite, 487, "Request Terminated"))
            self.report("cancelled", reason=message.get("reason"))
            self.answered, self.ended_by = True, "cancelled"
        elif message.method == "ACK" and self.ended_by in ("cancelled", "rejected"):
            self.ended = True
        elif message.method == "ACK" and not self.invite:
            return  # of a challenge
        else:
            self.in_dialog_request(message)

    def command(self, line):
        if line.strip() == "answer":
            self.options.ring, self.options.never = 0, False
        else:
            super().command(line)

    def called(self, message):
        if self.invite:  # a retransmission
            if message.cseq == self.invite.cseq and not self.answered:
                self.send(self.response(message, 100, "Trying"))
            return
        if self.options.auth and not self.authorised(message):
            return
        self.invite = message
        self.call_id = message.get("call-id")
        self.remote_tag = sip.tag_of(message.get("from"))
        self.local_name = re.sub(r";tag=[^;]*", "", message.get("to"))
        self.remote_name = re.sub(r";tag=[^;]*", "", message.get("from"))
        self.target = sip.address_of(message.get("contact"))
        self.route = message.headers.get("record-route", [])
        self.rtp = Rtp(self.transport.local[0], self.codec, self.source)
        self.report("invited", uri=message.first.split(" ")[1], name=message.get("from"),
                    headers={name: values[0] for name, values in message.headers.items()})
        self.rang_at, self.rang, self.early = time.monotonic(), False, False
        self.send(self.response(message, 100, "Trying"))

    def authorised(self, message):
        username, _, password = self.options.auth.partition(":")
        proxy = self.options.proxy_auth
        header = message.get("proxy-authorization" if proxy else "authorization")
        if header and sip.digest_ok(header, "INVITE", username, password, "phone", self.nonce):
            return True
        if message.cseq != self.challenged_cseq:
            self.asked += 1
            self.report("challenged", again=bool(header))
        self.challenged_cseq = message.cseq
        challenge = f'Digest realm="phone", nonce="{self.nonce}", algorithm=MD5, qop="auth"'
        if proxy:
            self.send(self.response(message, 407, "Proxy Authentication Required",
                                    extra=[f"Proxy-Authenticate: {challenge}"]))
        else:
            self.send(self.response(message, 401, "Unauthorized", extra=[f"WWW-Authenticate: {challenge}"]))
        return False

    def progress(self, waited):
        options = self.options
        if not self.rang:
            self.rang = True
            if options.early:
                self.start_audio(self.invite.body)
                self.next_report = time.monotonic() + 1.0
                self.send(self.response(self.invite, 183, "Session Progress", self.description()))
            else:
                self.send(self.response(self.invite, 180, "Ringing"))
            self.report("ringing")
        if waited < options.ring or options.never:
            return
        self.answered = True
        if options.status:
            self.send(self.response(self.invite, options.status, options.reason, extra=options.header))
            self.ended_by = "rejected"
            return
        self.start_audio(self.invite.body)
        if options.early and options.answer_tone:
            self.source.hz = options.answer_tone
        self.repeat.start(self.response(self.invite, 200, "OK", self.description()), self.destination)
        self.audio_starts()
        self.report("answered")
