import { useSignal } from '@preact/signals'
import { request } from '../../data/api.ts'
import { usePolled } from '../../data/polled.ts'
import { refusalOf, rights } from '../../data/rights.ts'
import { isTokenAsked, setToken, token } from '../../data/session.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { operationsTexts as texts } from '../../texts/operations.ts'
import { CheckedChanges, type ConfigCheckAnswer } from './checked-changes.tsx'
import { ConfigTable } from './config-table.tsx'
import { DaemonFacts, type HealthFacts } from './daemon-facts.tsx'
import { MemberList } from './member-list.tsx'

type ReloadAnswer = { readonly warnings?: readonly string[] }

/** The daemon itself: how it is, its config, and what the token of this tab may do. */
export function OperationsPage() {
  const health = usePolled<HealthFacts>('health')
  const refusal = refusalOf('admin')
  const checked = useSignal<ConfigCheckAnswer | undefined>(undefined)

  async function reload(): Promise<string> {
    checked.value = undefined
    const { warnings = [] } = await request<ReloadAnswer>('-/reload', { method: 'POST' })
    return warnings.length > 0 ? texts.reloadedWith(warnings) : texts.reloaded
  }

  async function check(): Promise<string> {
    checked.value = undefined
    checked.value = await request<ConfigCheckAnswer>('-/reload?dry_run=true', { method: 'POST' })
    return texts.checked
  }

  async function trustProbes(): Promise<string> {
    await request('-/trust-probes', { method: 'POST' })
    health.refresh()
    return texts.trusted
  }

  return (
    <section>
      <div class="head">
        <h1>{texts.title}</h1>
        <ActionButton run={check} refusal={refusal}>
          {texts.check}
        </ActionButton>
        <ActionButton run={reload} refusal={refusal}>
          {texts.reload}
        </ActionButton>
        {health.value?.suspicion && (
          <ActionButton run={trustProbes} refusal={refusal}>
            {texts.trustProbes}
          </ActionButton>
        )}
      </div>
      <ProblemLine error={health.error} />
      {health.value?.suspicion && <p class="problem">{health.value.suspicion.remedy}</p>}
      {checked.value && <CheckedChanges check={checked.value} onClose={() => void (checked.value = undefined)} />}
      <h2>{texts.daemon}</h2>
      <DaemonFacts health={health.value} />
      <MemberList />
      <h2>{texts.session}</h2>
      <Session />
      <h2>{texts.config}</h2>
      <ConfigTable />
    </section>
  )
}

function Session() {
  const known = rights.value
  return (
    <>
      <p>
        {token.value === '' && texts.none} {known && texts.may(known.role)}{' '}
        {known?.namespaces && texts.bound(known.namespaces.join(', '))}{' '}
        {known && known.rights.length > 0 && texts.rights(known.rights.join(', '))} {known?.read_only && texts.readOnly}
      </p>
      <p class="row">
        <button type="button" onClick={() => (isTokenAsked.value = true)}>
          {texts.change}
        </button>
        {token.value !== '' && (
          <button type="button" onClick={() => setToken('')}>
            {texts.forget}
          </button>
        )}
      </p>
    </>
  )
}
