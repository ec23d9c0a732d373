// Measures tones in what a SIP client recorded.
import { readFileSync } from 'node:fs';

/** Samples and rate of a 16-bit PCM WAV file, first channel; the sizes in the header may be wrong (not closed). */
export function readWav(path) {
  const data = readFileSync(path);
  let offset = 12, rate = 0, channels = 1;
  while (offset + 8 <= data.length) {
    const id = data.toString('latin1', offset, offset + 4), size = data.readUInt32LE(offset + 4);
    if (id === 'fmt ') [channels, rate] = [data.readUInt16LE(offset + 10), data.readUInt32LE(offset + 12)];
    if (id === 'data') {
      const count = Math.floor((data.length - offset - 8) / 2 / channels);
      return { rate, samples: Int16Array.from({ length: count }, (_, i) => data.readInt16LE(offset + 8 + 2 * channels * i)) };
    }
    offset += 8 + size + (size & 1);
  }
  throw new Error(`${path}: no samples`);
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

/** The strongest frequency between 100 and 3400 Hz, to `step` Hz, and its level. */
export function peak(samples, rate, step = 5) {
  let best = { hz: 0, db: -120 };
  for (let hz = 100; hz <= 3400; hz += step) {
    const db = levelDb(samples, rate, hz);
    if (db > best.db) best = { hz, db };
  }
  return best;
}
