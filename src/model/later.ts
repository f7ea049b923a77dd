import * as z from 'zod'

/**
 * One form of a union told apart by `type`, built when a value of that type is first met: most starts meet few of them, and
 * to build every schema there is takes longer than all else they do.
 */
export function later<Form extends z.ZodObject>(type: string, build: () => Form): z.ZodLazy<Form> {
  const form = z.lazy(build)
  const { _zod: inside } = form
  // Said beforehand: the union would build each to ask it.
  Object.defineProperty(inside, 'propValues', { value: { type: new Set([type]) } })
  return form
}
