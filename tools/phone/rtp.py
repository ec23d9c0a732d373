"""One RTP stream each way (RFC 3550), 20 ms packets, with telephone-event (RFC 4733) to send."""

import os
import socket
import struct
import threading
import time

from .audio import FRAME

EVENTS = "0123456789*#ABCD"
PERIOD = 0.02


class Rtp:
    """Binds an even port on `address`; sends once `start` was called, records from the first packet on."""

    def __init__(self, address, codec, source):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        while True:
            self.socket.bind((address, 0))
            if self.socket.getsockname()[1] % 2 == 0:
                break
            self.socket.close()
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.codec, self.source = codec, source
        self.remote = None
        self.sending = True
        self.samples = []
        self.sent = self.received = self.lost = self.reordered = self.foreign = 0
        self.max_gap_ms = 0.0
        self.late_ms = self.max_late_ms = 0.0  # how far behind its own clock it sent, by which this machine held it up
        self.last_arrival = None
        self.ssrc = int.from_bytes(os.urandom(4), "big")
        self.sequence = int.from_bytes(os.urandom(2), "big") & 0x7FFF
        self.timestamp = int.from_bytes(os.urandom(4), "big")
        self.expected = self.peer_ssrc = None
        self.digits = []
        self.event_type = 101
        self.closed = threading.Event()
        self.threads = [threading.Thread(target=self._receive, daemon=True)]
        self.threads[0].start()

    def start(self, host, port):
        """Sends to `host`:`port` from now on; called again it changes the address."""
        started = self.remote is not None
        self.remote = (host, port)
        if not started:
            thread = threading.Thread(target=self._send, daemon=True)
            self.threads.append(thread)
            thread.start()

    def send_digits(self, digits):
        self.digits.extend(EVENTS.index(digit) for digit in digits.upper())

    def close(self):
        self.closed.set()
        for thread in self.threads:
            thread.join(1)
        self.socket.close()

    def _emit(self, payload_type, payload, marker, timestamp):
        header = struct.pack(
            "!BBHII", 0x80, payload_type | (0x80 if marker else 0), self.sequence, timestamp & 0xFFFFFFFF, self.ssrc
        )
        self.sequence = (self.sequence + 1) & 0xFFFF
        try:
            self.socket.sendto(header + payload, self.remote)
            self.sent += 1
        except OSError:
            pass

    def _send_event(self, event, tick):
        """One packet of a 100 ms event with three end packets (RFC 4733 2.5.1)."""
        end = tick >= 5
        duration = FRAME * min(tick + 1, 6)
        payload = struct.pack("!BBH", event, (0x80 if end else 0) | 10, duration)
        self._emit(self.event_type, payload, tick == 0, self.event_start)
        return tick == 7

    def _send(self):
        due = time.monotonic()
        first, tick = True, 0
        while not self.closed.is_set():
            if self.digits and self.sending:
                if tick == 0:
                    self.event_start = self.timestamp
                if tick >= 0 and self._send_event(self.digits[0], tick):
                    self.digits.pop(0)
                    tick = -4  # 60 ms between digits
                tick += 1
            elif self.sending:
                tick = 0
                self._emit(self.codec.payload_type, self.codec.encode(self.source.frame()), first, self.timestamp)
                first = False
            self.timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF
            due += PERIOD
            delay = due - time.monotonic()
            if delay > 0:
                self.closed.wait(delay)
            else:
                self.late_ms = max(self.late_ms, -delay * 1000)
                self.max_late_ms = max(self.max_late_ms, self.late_ms)

    def _receive(self):
        while not self.closed.is_set():
            try:
                packet, _ = self.socket.recvfrom(2048)
            except (socket.timeout, ConnectionError):
                continue
            except OSError:
                return
            self._take(packet, time.monotonic())

    def _take(self, packet, now):
        if len(packet) < 12 or packet[0] >> 6 != 2 or 192 <= packet[1] <= 223:
            return
        kind, sequence, _, ssrc = struct.unpack("!xBHII", packet[:12])
        self._count(sequence, ssrc, now)
        if kind & 0x7F != self.codec.payload_type:
            self.foreign += 1
            return
        offset = 12 + 4 * (packet[0] & 15)
        if packet[0] & 0x10 and len(packet) >= offset + 4:
            offset += 4 + 4 * struct.unpack("!H", packet[offset + 2 : offset + 4])[0]
        self.samples.extend(self.codec.decode(packet[offset:]))

    def _count(self, sequence, ssrc, now):
        if self.last_arrival is not None:
            self.max_gap_ms = max(self.max_gap_ms, (now - self.last_arrival) * 1000)
        self.last_arrival = now
        self.received += 1
        if self.expected is None or ssrc != self.peer_ssrc:
            self.peer_ssrc, self.expected = ssrc, sequence
        step = (sequence - self.expected) & 0xFFFF
        if step < 0x8000:
            self.lost += step
            self.expected = (sequence + 1) & 0xFFFF
        else:
            self.reordered += 1
            self.lost = max(0, self.lost - 1)

    def summary(self):
        return {
            "sent": self.sent,
            "received": self.received,
            "lost": self.lost,
            "reordered": self.reordered,
            "max_gap_ms": round(self.max_gap_ms, 1),
            "max_late_ms": round(self.max_late_ms, 1),
        }
