import * as z from 'zod'

const prefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/

/**
 * Whether `key` is a label key: an optional DNS subdomain and `/`, then a name of at most 63 characters.
 *
 * The rule is Kubernetes' (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
 */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/')
  if (slash < 0) return name.test(key)
  return slash <= 253 && prefix.test(key.slice(0, slash)) && name.test(key.slice(slash + 1))
}

/** Whether `value` is a label value: empty, or a name of at most 63 characters. */
export function isLabelValue(value: string): boolean {
  return value === '' || name.test(value)
}

/** At most 64 labels, with keys and values in the grammar of Kubernetes. */
export const Labels = z.record(z.string(), z.string()).superRefine((labels, context) => {
  const keys = Object.keys(labels)
  if (keys.length > 64) context.addIssue({ code: 'custom', message: `must be at most 64 labels, not ${keys.length}` })
  for (const key of keys) {
    if (!isLabelKey(key)) {
      context.addIssue({
        code: 'custom',
        path: [key],
        message: 'invalid label key: must be [prefix/]name, at most 63 letters, digits, "-", "_", "."',
      })
    } else if (!isLabelValue(labels[key] ?? '')) {
      context.addIssue({
        code: 'custom',
        path: [key],
        message: 'invalid label value: must be at most 63 letters, digits, "-", "_", "."',
      })
    }
  }
})
export type Labels = z.output<typeof Labels>
