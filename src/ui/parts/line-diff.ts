/** A line of two texts: in both, or in one of them. */
export type DiffLine = { readonly kind: 'same' | 'left' | 'right'; readonly text: string }

/** Lines of each text that are compared; of longer ones the rest counts as changed. */
const maxCompared = 2000

/** The lines of two texts side by side, by their longest common sequence. */
export function diffLines(left: string, right: string): readonly DiffLine[] {
  const [one, other] = [left.split('\n'), right.split('\n')]
  const [rows, columns] = [Math.min(one.length, maxCompared), Math.min(other.length, maxCompared)]
  // lengths[row][column]: common lines from there on.
  const lengths = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1))
  for (let row = rows - 1; row >= 0; row -= 1)
    for (let column = columns - 1; column >= 0; column -= 1)
      lengths[row]![column] =
        one[row] === other[column]
          ? lengths[row + 1]![column + 1]! + 1
          : Math.max(lengths[row + 1]![column]!, lengths[row]![column + 1]!)

  const lines: DiffLine[] = []
  let [row, column] = [0, 0]
  while (row < one.length || column < other.length) {
    const isInBoth = row < rows && column < columns
    if (isInBoth && one[row] === other[column]) {
      lines.push({ kind: 'same', text: one[row]! })
      row += 1
      column += 1
    } else if (
      row < one.length &&
      (!isInBoth ? row < rows || column >= other.length : lengths[row + 1]![column]! >= lengths[row]![column + 1]!)
    ) {
      lines.push({ kind: 'left', text: one[row]! })
      row += 1
    } else if (column < other.length) {
      lines.push({ kind: 'right', text: other[column]! })
      column += 1
    } else {
      lines.push({ kind: 'left', text: one[row]! })
      row += 1
    }
  }
  return lines
}
