// Measures tones in what a SIP client recorded.
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { until } from './tap.mjs';

/** Samples and rate of a 16-bit PCM WAV file, one channel; the sizes in the header may be wrong (not closed): `size` is
 * what it says of the samples. */
export function readWav(path, channel = 0) {
  const data = readFileSync(path);
  let offset = 12, rate = 0, channels = 1;
  while (offset + 8 <= data.length) {
    const id = data.toString('latin1', offset, offset + 4), size = data.readUInt32LE(offset + 4);
    if (id === 'fmt ') [channels, rate] = [data.readUInt16LE(offset + 10), data.readUInt32LE(offset + 12)];
    if (id === 'data') {
      const count = Math.floor((data.length - offset - 8) / 2 / channels);
      return { rate, channels, size, samples: Int16Array.from({ length: count },
        (_, i) => data.readInt16LE(offset + 8 + 2 * (channels * i + channel))) };
    }
    offset += 8 + size + (size & 1);
  }
  throw new Error(`${path}: no samples`);
}

/** The last `seconds` of a 16-bit PCM WAV file that somebody is still writing, first channel; null when there is less.
 * `format` {rate, channels} is for a writer that fills in its header at the end only. */
export function lastSamples(path, seconds, format = null) {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(44), size = fstatSync(file).size;
    if (readSync(file, head, 0, 44, 0) < 44) return null;
    const { channels, rate } = format ?? { channels: head.readUInt16LE(22), rate: head.readUInt32LE(24) };
    const frame = 2 * channels, wanted = Math.round(seconds * rate) * frame;
    const start = 44 + Math.floor((size - 44 - wanted) / frame) * frame;
    if (start < 44) return null;
    const data = Buffer.alloc(wanted);
    const count = Math.floor(readSync(file, data, 0, wanted, start) / frame);
    return { rate, samples: Int16Array.from({ length: count }, (_, i) => data.readInt16LE(i * frame)) };
  } finally {
    closeSync(file);
  }
}

/** Writes a WAV file of `seconds` of a sine of `hz` at 8 kHz. */
export function writeTone(path, hz, seconds) {
  const count = seconds * 8000, data = Buffer.alloc(44 + 2 * count);
  data.write('RIFF', 0);
  data.writeUInt32LE(36 + 2 * count, 4);
  data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(8000, 24);
  data.writeUInt32LE(16000, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36);
  data.writeUInt32LE(2 * count, 40);
  for (let i = 0; i < count; i++) data.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * hz * i) / 8000)), 44 + 2 * i);
  writeFileSync(path, data);
}

/** Level of `hz`, dB relative to a full-scale sine (Goertzel, Hann window). */
export function levelDb(samples, rate, hz) {
  const count = samples.length, coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let s1 = 0, s2 = 0;
  for (let i = 0; i < count; i++) {
    const s0 = samples[i] * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / count)) + coefficient * s1 - s2;
    [s2, s1] = [s1, s0];
  }
  const amplitude = (4 * Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - coefficient * s1 * s2))) / count / 32768;
  return amplitude > 1e-6 ? 20 * Math.log10(amplitude) : -120;
}

/** The strongest frequency between 100 and 3400 Hz, to `step` Hz, and its level. First roughly, so that a second of 48 kHz takes
 * milliseconds: other tests wait meanwhile. */
export function peak(samples, rate, step = 5) {
  const strongest = (part, from, to, by) => {
    let best = { hz: 0, db: -121 };
    for (let hz = from; hz <= to; hz += by) {
      const db = levelDb(part, rate, hz);
      if (db > best.db) best = { hz, db };
    }
    return best;
  };
  const part = samples.subarray(0, Math.min(samples.length, Math.ceil(rate / 20))); // 20 Hz apart, tones of 80 Hz width
  const { hz } = strongest(part, 100, 3400, 20);
  const from = Math.max(100, hz - 40);
  return strongest(samples, from, Math.min(3400, hz + 40), step);
}

/** The level of all of `samples`, dB relative to a full-scale sine. */
export function loudness(samples) {
  const power = samples.reduce((sum, each) => sum + each * each, 0) / samples.length / 32768 ** 2;
  return power > 1e-12 ? 10 * Math.log10(2 * power) : -120;
}

/** Waits until the last half second of the recording `file()` {path, format} is nearly all `hz` (null: silent). */
export async function hearsTone(who, file, hz, seconds) {
  let heard = null;
  await until('a tone', () => {
    const { path, format } = file() ?? {};
    heard = (path && lastSamples(path, 0.5, format)) || heard;
    if (!heard) return false;
    const all = loudness(heard.samples);
    if (hz === null) return all < -50;
    const tone = levelDb(heard.samples, heard.rate, hz);
    return tone > -30 && tone > all - 3;
  }, seconds).catch(() => {
    const wanted = hz === null ? 'silence' : `${hz} Hz`;
    throw new Error(`${who} hears ${JSON.stringify(heard && peak(heard.samples, heard.rate))}, not ${wanted}`);
  });
}

/** One second of `hz` in G.711 µ-law, without a header. `amplitude`: of 32767. */
export function ulawTone(hz, amplitude = 8000) {
  return Buffer.from(Array.from({ length: 8000 }, (_, i) => {
    const sample = Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / 8000));
    const magnitude = Math.min(Math.abs(sample), 32635) + 132;
    const exponent = Math.floor(Math.log2(magnitude)) - 7;
    return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff;
  }));
}
