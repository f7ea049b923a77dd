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

/** Every kind of source this daemon knows. A new kind is one more import and one more word here. */
export const sourceKinds = [env, file, kubernetes, http, dns, roster, agents, manual] as const

/** What each kind takes, as a tuple: the union sees through the laziness of each. */
type Configs<Kinds extends readonly SourceKind[]> = {
  -readonly [I in keyof Kinds]: Kinds[I]['config'] extends z.ZodLazy<infer Config> ? Config : never
}

/** How one source is configured: the union of what the kinds take, told apart by `type`. */
export const SourceConfig = z
  .discriminatedUnion('type', sourceKinds.map((kind) => kind.config) as unknown as Configs<typeof sourceKinds>)
  .transform(named)
export type SourceConfig = z.output<typeof SourceConfig>

/** A source is called by its type unless it has a name of its own. */
function named<Config extends { readonly type: string; readonly name?: string | undefined }>(config: Config) {
  return { ...config, name: config.name ?? config.type }
}

export function kindOf({ type }: Pick<SourceConfig, 'type'>): SourceKind {
  const kind = sourceKinds.find((kind) => kind.type === type)
  if (!kind) throw new Error(`there is no source of type ${type}`)
  return kind
}

export function openSource(config: SourceConfig, tools: SourceTools): Source {
  return kindOf(config).open(config, tools)
}
