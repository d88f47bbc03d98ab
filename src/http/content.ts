// What an answer consists of: a text, bytes, or both in pieces, so that what was written before need not be copied.

type Piece = string | Buffer;
export type Content = Piece | readonly Piece[];

const isPiece = (content: Content): content is Piece => typeof content === 'string' || Buffer.isBuffer(content);

export function piecesOf(content: Content): readonly Piece[] {
  return isPiece(content) ? [content] : content;
}

export function byteLengthOf(content: Content): number {
  if (isPiece(content)) return Buffer.byteLength(content);
  let bytes = 0;
  for (const piece of content) bytes += Buffer.byteLength(piece);
  return bytes;
}

/** Writes all of it into `target` from `start` on. */
export function copyInto(target: Buffer, start: number, content: Content): void {
  let at = start;
  for (const piece of piecesOf(content))
    at += typeof piece === 'string' ? target.write(piece, at) : piece.copy(target, at);
}

/** All of it in one piece. */
export function wholeOf(content: Content): Piece {
  if (isPiece(content)) return content;
  const whole = Buffer.allocUnsafe(byteLengthOf(content));
  copyInto(whole, 0, content);
  return whole;
}
