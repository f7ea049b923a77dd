import * as z from 'zod'

/** A schema that is built when a value is met. It takes no `undefined`, and says so without being built. */
export function deferredSchema<Form extends z.ZodType>(build: () => Form): z.ZodLazy<Form> {
  const schema = z.lazy(build)
  const { _zod: inside } = schema
  Object.defineProperties(inside, { optin: { value: undefined }, optout: { value: undefined } })
  return schema
}

/** A schema that is built when it is first needed, and once: whoever looks into a lazy one has zod build it anew each time. */
export function memoizedSchema<Form extends z.ZodType>(build: () => Form): z.ZodLazy<Form> {
  let built: Form | undefined
  return z.lazy(() => (built ??= build()))
}

/** A section of the config: as `usual` where nobody says anything about it, and only else is its schema built. */
export function configSection<Form extends z.ZodObject>(
  usual: z.core.util.NoUndefined<z.output<Form>>,
  build: () => Form,
): z.ZodDefault<z.ZodLazy<Form>> {
  return deferredSchema(build).default(usual)
}

/**
 * One form of a union told apart by `type`, built when a value of that type is first met: most starts meet few of them, and
 * to build every schema there is takes longer than all else they do.
 */
export function unionVariant<Form extends z.ZodObject>(type: string, build: () => Form): z.ZodLazy<Form> {
  const form = deferredSchema(build)
  const { _zod: inside } = form
  // Said beforehand: the union would build each to ask it.
  Object.defineProperty(inside, 'propValues', { value: { type: new Set([type]) } })
  return form
}
