/** A line of two texts: in both, or in one of them. */
export type DiffLine = { readonly kind: 'same' | 'left' | 'right'; readonly text: string }

/** Lines of the longest texts that are compared; longer ones differ as a whole. */
const maxCompared = 2000

/** The lines of two texts, by their longest common sequence. */
export function diffLines(left: string, right: string): readonly DiffLine[] {
  const [one, other] = [left.split('\n'), right.split('\n')]
  const as = (kind: DiffLine['kind'], texts: readonly string[]) => texts.map((text): DiffLine => ({ kind, text }))
  if (Math.max(one.length, other.length) > maxCompared) return [...as('left', one), ...as('right', other)]

  const common = commonLengths(one, other)
  const lines: DiffLine[] = []
  let [row, column] = [0, 0]
  while (row < one.length && column < other.length) {
    if (one[row] === other[column]) {
      lines.push({ kind: 'same', text: one[row]! })
      row += 1
      column += 1
    } else if (common[row + 1]![column]! >= common[row]![column + 1]!) {
      lines.push({ kind: 'left', text: one[row]! })
      row += 1
    } else {
      lines.push({ kind: 'right', text: other[column]! })
      column += 1
    }
  }
  return [...lines, ...as('left', one.slice(row)), ...as('right', other.slice(column))]
}

/** How many lines the texts have in common from each pair of lines on. */
function commonLengths(one: readonly string[], other: readonly string[]): readonly Uint16Array[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1))
  for (let row = one.length - 1; row >= 0; row -= 1)
    for (let column = other.length - 1; column >= 0; column -= 1)
      lengths[row]![column] =
        one[row] === other[column]
          ? lengths[row + 1]![column + 1]! + 1
          : Math.max(lengths[row + 1]![column]!, lengths[row]![column + 1]!)
  return lengths
}
