// Frames of a WebSocket (RFC 6455 5.2) out of a stream of bytes, of either side.

/** Takes bytes as they come; `onFrame({final, opcode, payload})` for each whole frame, unmasked. */
export class Frames {
  constructor(onFrame) {
    Object.assign(this, { onFrame, rest: Buffer.alloc(0), wanted: 0, parts: [], held: 0 });
  }

  take(data) {
    this.parts.push(data);
    this.held += data.length;
    if (this.held < this.wanted) return; // a long frame is put together once
    this.rest = this.parts.length === 1 ? data : Buffer.concat(this.parts);
    let at = 0;
    for (let size = this.frameAt(at); size > 0; size = this.frameAt(at)) at += size;
    this.rest = this.rest.subarray(at);
    [this.parts, this.held] = this.rest.length ? [[this.rest], this.rest.length] : [[], 0];
  }

  /* Gives out the frame at `at`; gives its size, 0 when it is not whole. */
  frameAt(at) {
    const { rest } = this, left = rest.length - at;
    this.wanted = 0;
    if (left < 2) return 0;
    let size = rest[at + 1] & 127, head = 2;
    if (size >= 126) {
      head = size === 126 ? 4 : 10;
      if (left < head) return 0;
      size = head === 4 ? rest.readUInt16BE(at + 2) : Number(rest.readBigUInt64BE(at + 2));
    }
    const isMasked = rest[at + 1] >= 128, begin = at + head + (isMasked ? 4 : 0), end = begin + size;
    if (rest.length < end) {
      this.wanted = end - at;
      return 0;
    }
    let payload = rest.subarray(begin, end);
    if (isMasked) payload = payload.map((byte, index) => byte ^ rest[begin - 4 + (index & 3)]);
    this.onFrame({ final: rest[at] >= 128, opcode: rest[at] & 15, payload });
    return end - at;
  }
}

/** The texts among frames: what was sent in parts is put together, control frames are not told. */
export function texts(onText) {
  let parts = [];
  return new Frames(({ final, opcode, payload }) => {
    if (opcode > 2) return;
    parts.push(payload);
    if (!final) return;
    onText(Buffer.concat(parts).toString());
    parts = [];
  });
}
