import { stringify } from 'yaml'

/** A value as YAML. Loaded when it is first shown: 17 kB with gzip. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 })
}
