import * as z from 'zod'
import type { Source } from '../model/source.ts'
import { dns } from './dns/dns.ts'
import { env } from './env.ts'
import { file } from './file/file.ts'
import { http } from './http/http.ts'
import { kubernetes } from './kubernetes/kubernetes.ts'
import { agents, manual } from './push-sources.ts'
import { roster } from './roster/roster.ts'
import type { SourceKind, SourceTools } from './source-kind.ts'

/** Every kind of source. A new kind is one more import and one more word here. */
export const sourceKinds = [env, file, kubernetes, http, dns, roster, agents, manual] as const

/** The config schemas of the kinds, as a tuple without their laziness. */
type SourceConfigs<Kinds extends readonly SourceKind[]> = {
  -readonly [I in keyof Kinds]: Kinds[I]['config'] extends z.ZodLazy<infer Config> ? Config : never
}

/** The config of one source: a union of the kinds' configs, discriminated by `type`. */
export const SourceConfig = z
  .discriminatedUnion('type', sourceKinds.map((kind) => kind.config) as unknown as SourceConfigs<typeof sourceKinds>)
  .transform(withName)
export type SourceConfig = z.output<typeof SourceConfig>

/** The name of a source defaults to its type. */
function withName<Config extends { readonly type: string; readonly name?: string | undefined }>(config: Config) {
  return { ...config, name: config.name ?? config.type }
}

export function kindOf({ type }: Pick<SourceConfig, 'type'>): SourceKind {
  const kind = sourceKinds.find((kind) => kind.type === type)
  if (!kind) throw new Error(`unknown source type: ${type}`)
  return kind
}

export function openSource(config: SourceConfig, tools: SourceTools): Source {
  return kindOf(config).open(config, tools)
}
