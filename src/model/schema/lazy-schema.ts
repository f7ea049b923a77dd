import * as z from 'zod'

/** A lazy schema that is built once. Each `unwrap()` of a plain `z.lazy` builds its schema again. */
export function memoizedSchema<Schema extends z.ZodType>(build: () => Schema): z.ZodLazy<Schema> {
  let built: Schema | undefined
  return z.lazy(() => (built ??= build()))
}

/** A section of the config. Its schema is built only where the config has the section; else `defaults` is the value. */
export function configSection<Schema extends z.ZodObject>(
  defaults: z.core.util.NoUndefined<z.output<Schema>>,
  build: () => Schema,
): z.ZodDefault<z.ZodLazy<Schema>> {
  return z.lazy(build).default(defaults)
}

/**
 * One variant of a union discriminated by `type`, built when a value of that type is first parsed.
 *
 * Writes a private field of zod (4.6.7): a discriminated union reads `propValues` of every variant, which builds them all.
 * Parsing a config of two sources then builds 11 schemas instead of 3, and takes 24 ms instead of 10. The test "zod builds
 * every variant of a union of plain lazy schemas" fails when zod no longer does so; then `z.lazy` is enough.
 */
export function unionVariant<Schema extends z.ZodObject>(type: string, build: () => Schema): z.ZodLazy<Schema> {
  const variant = z.lazy(build)
  const { _zod: internals } = variant
  Object.defineProperty(internals, 'propValues', { value: { type: new Set([type]) } })
  return variant
}
