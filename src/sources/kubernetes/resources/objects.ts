import * as z from 'zod'

const Texts = z.record(z.string(), z.string()).nullish()

/** What every object of Kubernetes says of itself. Fields nobody here uses are dropped, so that copies stay small. */
export const Metadata = z.object({
  name: z.string().min(1),
  namespace: z.string().min(1),
  labels: Texts,
  annotations: Texts,
})
export type Metadata = z.output<typeof Metadata>

export const objectKey = ({ namespace, name }: Pick<Metadata, 'namespace' | 'name'>) => `${namespace}/${name}`

type Named = { readonly metadata: Pick<Metadata, 'namespace' | 'name'> }

/** Reads objects of one shape; what is not `wanted` keeps only its key. Undefined where they have no such shape. */
export function createObjectReader<T extends Named>(schema: z.ZodType<T>, wanted: (object: T) => boolean = () => true) {
  return (object: unknown) => {
    const { success, data } = schema.safeParse(object)
    return success ? { key: objectKey(data.metadata), value: wanted(data) ? data : undefined } : undefined
  }
}
