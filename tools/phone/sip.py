"""SIP messages (RFC 3261), their transport over UDP or TCP, SDP with one audio line, MD5 digest checks."""

import hashlib
import os
import re
import select
import socket
import time

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
T1 = 0.5


def token():
    return os.urandom(6).hex()


class Message:
    """A parsed request or response; `headers` maps lower-case names to lists of values."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.first = lines[0]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.setdefault(COMPACT.get(name, name), []).append(value.strip())
        self.status = int(self.first.split(" ")[1]) if self.first.startswith("SIP/2.0 ") else 0
        self.reason = self.first.split(" ", 2)[2] if self.status else ""
        self.method = self.get("cseq").split(" ")[-1] if self.status else self.first.split(" ")[0]

    def get(self, name):
        return self.headers.get(name, [""])[0]

    @property
    def cseq(self):
        return int(self.get("cseq").split(" ")[0] or 0)


def tag_of(value):
    found = re.search(r";\s*tag=([^;>\s]+)", value)
    return found.group(1) if found else ""


def address_of(value):
    """The URI in a name-addr or addr-spec."""
    found = re.search(r"<([^>]+)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def host_port(uri, default=5060):
    """('127.0.0.1', 5060) of a SIP URI; brackets of an IPv6 address are removed."""
    rest = re.sub(r"^sips?:", "", uri).split(";")[0].split("?")[0].rpartition("@")[2]
    found = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?", rest)
    if not found:
        raise ValueError(f"not a SIP address: {uri}")
    return found.group(1) or found.group(3), int(found.group(2) or found.group(4) or default)


def bracketed(host):
    return f"[{host}]" if ":" in host else host


class Transport:
    """Sends and receives whole messages over UDP or TCP. A TCP listener serves one connection at a time."""

    def __init__(self, kind, local, port=0, peer=None):
        self.kind, self.buffer, self.listener = kind, b"", None
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        if kind == "udp":
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.bind((local, port))
        elif peer:
            self.socket = socket.create_connection(peer, 5, (local, port))
        else:
            self.socket = None
            self.listener = socket.socket(family, socket.SOCK_STREAM)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((local, port))
            self.listener.listen(1)
        self.local = (self.listener or self.socket).getsockname()[:2]

    def send(self, text, destination):
        data = text.encode()
        if self.kind == "udp":
            self.socket.sendto(data, destination)
        elif self.socket:
            self.socket.sendall(data)

    def _framed(self):
        self.buffer = self.buffer.lstrip(b"\r\n")
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", self.buffer[:end])
        total = end + 4 + (int(found.group(1)) if found else 0)
        if len(self.buffer) < total:
            return None
        message, self.buffer = self.buffer[:total], self.buffer[total:]
        return message

    def receive(self, timeout, others=()):
        """Returns (message, source) or (None, None) after `timeout` or when one of `others` is readable."""
        if self.kind == "tcp":
            message = self._framed()
            if message:
                return Message(message.decode("utf-8", "replace")), self.peer
        readable = [s for s in (self.socket, self.listener) if s] + list(others)
        ready, _, _ = select.select(readable, [], [], max(0.0, timeout))
        if self.listener in ready:
            self.socket, _ = self.listener.accept()
            self.buffer = b""
        if self.socket not in ready:
            return None, None
        if self.kind == "udp":
            try:
                data, source = self.socket.recvfrom(65535)
            except ConnectionError:
                return None, None
            return (Message(data.decode("utf-8", "replace")), source[:2]) if len(data) > 20 else (None, None)
        self.peer = self.socket.getpeername()[:2]
        data = self.socket.recv(65535)
        if not data:
            self.socket.close()
            self.socket = None
        self.buffer += data
        return None, None

    def close(self):
        for each in (self.socket, self.listener):
            if each:
                each.close()


class Retransmitter:
    """Sends again until told to stop: requests over UDP and 2xx responses (RFC 3261 17.1.1.2, 13.3.1.4)."""

    def __init__(self, transport):
        self.transport, self.text = transport, None

    def start(self, text, destination):
        self.text, self.destination = text, destination
        self.interval, self.due = T1, time.monotonic() + T1
        self.transport.send(text, destination)

    def stop(self):
        self.text = None

    def tick(self):
        if self.text and self.transport.kind == "udp" and time.monotonic() >= self.due:
            self.transport.send(self.text, self.destination)
            self.interval = min(4.0, self.interval * 2)
            self.due = time.monotonic() + self.interval


def sdp(address, port, codecs, session, version, direction="sendrecv"):
    """An offer or answer with one audio line; `codecs` are objects with `name` and `payload_type`."""
    family = "IP6" if ":" in address else "IP4"
    types = " ".join(str(codec.payload_type) for codec in codecs)
    lines = [
        "v=0",
        f"o=- {session} {version} IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {types} 101",
        *(f"a=rtpmap:{codec.payload_type} {codec.name}/8000" for codec in codecs),
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        f"a={direction}",
    ]
    return "\r\n".join(lines) + "\r\n"


def parse_sdp(body):
    """The first audio line of `body`: address, port, payload types, direction, telephone-event's type."""
    address = re.search(r"(?m)^c=IN IP[46] (\S+)", body)
    media = re.search(r"(?m)^m=audio (\d+) \S+ ([\d ]+)", body)
    direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)", body)
    event = re.search(r"(?m)^a=rtpmap:(\d+) telephone-event/8000", body)
    if not address or not media:
        raise ValueError("no audio in the SDP")
    return {
        "address": address.group(1),
        "port": int(media.group(1)),
        "types": [int(t) for t in media.group(2).split()],
        "direction": direction.group(1) if direction else "sendrecv",
        "event_type": int(event.group(1)) if event else None,
    }


def digest_ok(header, method, username, password, realm, nonce):
    """Checks an Authorization header with MD5, with or without qop=auth (RFC 2617 3.2.2)."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
    if (fields.get("username"), fields.get("realm"), fields.get("nonce")) != (username, realm, nonce):
        return False
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
    a1, a2 = md5(f"{username}:{realm}:{password}"), md5(f"{method}:{fields.get('uri', '')}")
    middle = f"{nonce}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}" if fields.get("qop") else nonce
    return fields.get("response") == md5(f"{a1}:{middle}:{a2}")
