import { StoreRefusal } from '../store.ts'

type Cell = string | number | null

/** Splits rows into the fewest statements that fit. A quote, a backslash or a control character takes two bytes. */
export function splitIntoPackets(
  rows: readonly (readonly Cell[])[],
  maxPacket: number,
): (readonly (readonly Cell[])[])[] {
  const packets: (readonly Cell[])[][] = []
  let freeBytes = 0
  for (const row of rows) {
    const size = row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? sentSize(cell) : 24) + 2, 0)
    if (size > maxPacket) {
      throw new StoreRefusal(
        `a row of ${size} bytes exceeds the ${maxPacket} bytes that the database takes: raise its max_allowed_packet`,
      )
    }
    if (packets.length === 0 || size > freeBytes) {
      packets.push([])
      freeBytes = maxPacket
    }
    packets.at(-1)!.push(row)
    freeBytes -= size
  }
  return packets
}

function sentSize(text: string): number {
  return Buffer.byteLength(text) + (text.match(/["'\\]|\p{Cc}/gu)?.length ?? 0)
}
