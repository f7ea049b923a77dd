import * as z from 'zod'

const StringMap = z.record(z.string(), z.string()).nullish()

/** Metadata of any object. Unused fields are dropped, so that cached objects stay small. */
export const ObjectMetadata = z.object({
  name: z.string().min(1),
  namespace: z.string().min(1),
  labels: StringMap,
  annotations: StringMap,
})
export type ObjectMetadata = z.output<typeof ObjectMetadata>

export const objectKey = ({ namespace, name }: Pick<ObjectMetadata, 'namespace' | 'name'>) => `${namespace}/${name}`

type KeyedObject = { readonly metadata: Pick<ObjectMetadata, 'namespace' | 'name'> }

/** Reads the key and the used fields of an object; no value if it is irrelevant, undefined if its shape is unexpected. */
export type ObjectReader<T> = (object: unknown) => { readonly key: string; readonly value: T | undefined } | undefined

/** Reads objects by a schema; `isRelevant` drops the value of all others. */
export function createObjectReader<T extends KeyedObject>(
  schema: z.ZodType<T>,
  isRelevant: (object: T) => boolean = () => true,
): ObjectReader<T> {
  return (object) => {
    const { success, data } = schema.safeParse(object)
    return success ? { key: objectKey(data.metadata), value: isRelevant(data) ? data : undefined } : undefined
  }
}
