"""G.711 (ITU-T G.711), tone generation and tone measurement on lists of signed 16-bit samples."""

import array
import math
import wave

RATE = 8000
FRAME = 160  # samples in 20 ms


def _ulaw_decode(byte):
    byte = ~byte & 0xFF
    magnitude = (((byte & 0x0F) << 3) + 0x84) << ((byte >> 4) & 7)
    return 0x84 - magnitude if byte & 0x80 else magnitude - 0x84


def _alaw_decode(byte):
    byte ^= 0x55
    exponent = (byte >> 4) & 7
    magnitude = ((byte & 0x0F) << 4) + 8
    if exponent:
        magnitude = (magnitude + 0x100) << (exponent - 1)
    return magnitude if byte & 0x80 else -magnitude


def _inverse(decoded):
    """Nearest code for every 16-bit sample, as a 65,536 byte table indexed by sample + 32768."""
    ordered = sorted((value, code) for code, value in enumerate(decoded))
    table = bytearray(65536)
    position = 0
    for sample in range(-32768, 32768):
        while position + 1 < len(ordered) and abs(ordered[position + 1][0] - sample) <= abs(
            ordered[position][0] - sample
        ):
            position += 1
        table[sample + 32768] = ordered[position][1]
    return bytes(table)


class G711:
    """One law: `encode` takes samples and gives bytes, `decode` the reverse."""

    def __init__(self, name, payload_type, decode_byte):
        self.name = name
        self.payload_type = payload_type
        self._decoded = [decode_byte(code) for code in range(256)]
        self._encoded = None

    def encode(self, samples):
        if self._encoded is None:
            self._encoded = _inverse(self._decoded)
        return bytes(self._encoded[sample + 32768] for sample in samples)

    def decode(self, payload):
        decoded = self._decoded
        return [decoded[byte] for byte in payload]


CODECS = {"PCMU": G711("PCMU", 0, _ulaw_decode), "PCMA": G711("PCMA", 8, _alaw_decode)}


class Tone:
    """Endless sine; `hz` 0 is silence."""

    def __init__(self, hz, level=8000):
        self.hz, self.level, self.phase = hz, level, 0

    def frame(self):
        if not self.hz:
            return [0] * FRAME
        step = 2 * math.pi * self.hz / RATE
        start = self.phase
        self.phase += FRAME
        return [int(self.level * math.sin(step * (start + i))) for i in range(FRAME)]


class Clip:
    """A mono 16-bit WAV file at 8 kHz, repeated."""

    def __init__(self, path):
        with wave.open(path, "rb") as source:
            if (source.getnchannels(), source.getsampwidth(), source.getframerate()) != (1, 2, RATE):
                raise ValueError(f"{path}: mono 16-bit 8000 Hz wanted")
            self.samples = array.array("h", source.readframes(source.getnframes()))
        if len(self.samples) < FRAME:
            raise ValueError(f"{path}: shorter than one frame")
        self.position = 0

    def frame(self):
        if self.position + FRAME > len(self.samples):
            self.position = 0
        start, self.position = self.position, self.position + FRAME
        return list(self.samples[start : start + FRAME])


def level_db(samples, hz, rate=RATE):
    """Level of `hz` in `samples`, dB relative to a full-scale sine (Goertzel with a Hann window)."""
    count = len(samples)
    if count == 0:
        return -120.0
    coefficient = 2 * math.cos(2 * math.pi * hz / rate)
    window = 2 * math.pi / count
    s1 = s2 = 0.0
    for index, sample in enumerate(samples):
        s0 = sample * (0.5 - 0.5 * math.cos(window * index)) + coefficient * s1 - s2
        s2, s1 = s1, s0
    power = s1 * s1 + s2 * s2 - coefficient * s1 * s2
    amplitude = 4 * math.sqrt(max(power, 0.0)) / count / 32768
    return round(20 * math.log10(amplitude), 1) if amplitude > 1e-6 else -120.0


def rms_db(samples):
    """Level of everything in `samples`, dB relative to a full-scale sine."""
    if not samples:
        return -120.0
    mean = sum(sample * sample for sample in samples) / len(samples)
    amplitude = math.sqrt(2 * mean) / 32768
    return round(20 * math.log10(amplitude), 1) if amplitude > 1e-6 else -120.0


def save_wav(path, samples):
    """Writes what was heard as a mono WAV file."""
    with wave.open(path, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(RATE)
        target.writeframes(array.array("h", [max(-32768, min(32767, s)) for s in samples]).tobytes())
