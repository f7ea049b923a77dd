type Labels = Readonly<Record<string, string>>
type Predicate = (labels: Labels) => boolean

const requirement =
  /^(?:(!?)([^\s!=(),]+)|([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)|([^\s!=(),]+)\s+(in|notin)\s*\(([^()]*)\))$/

function parseRequirement(text: string): Predicate {
  const match = requirement.exec(text.trim())
  if (!match) throw new Error(`unable to parse requirement: ${JSON.stringify(text)}`)
  const [, not, exists, key, operator, value, set, word, members] = match
  if (exists !== undefined) return (labels) => exists in labels === (not === '')
  if (key !== undefined) return (labels) => (labels[key] === value) === (operator !== '!=')
  const values = new Set((members ?? '').split(',').map((member) => member.trim()))
  return (labels) => (set !== undefined && set in labels && values.has(labels[set] ?? '')) === (word === 'in')
}

/** Parses a label selector; `!=` and `notin` also match objects without the key. Throws on a syntax error. */
export function parseSelector(text: string): Predicate {
  if (text.trim() === '') return () => true
  const parts = text.split(/,(?![^(]*\))/).map(parseRequirement)
  return (labels) => parts.every((matches) => matches(labels))
}

/** Parses the field selectors that `kubectl` uses: `metadata.name=x,metadata.namespace=y`. */
export function parseFields(text: string): (metadata: Record<string, unknown>) => boolean {
  const requirements = text.split(',').flatMap((part) => {
    const [, field, value] = /^metadata\.(name|namespace)==?(.*)$/.exec(part.trim()) ?? []
    return field === undefined ? [] : [[field, value] as const]
  })
  return (metadata) => requirements.every(([field, value]) => metadata[field] === value)
}
