import { useSignal } from '@preact/signals'
import { request } from '../../data/api.ts'
import { refusalOf } from '../../data/rights.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Modal } from '../../parts/modal.tsx'
import { linkTo, open } from '../../router.ts'
import { agentsTexts as texts } from '../../texts/mesh/agents.ts'
import type { AgentView } from './agent-view.ts'

/** Removes an agent from the registry, once it is confirmed. */
export function UnregisterButton({ agent: { id, namespace } }: { readonly agent: AgentView }) {
  const isAsking = useSignal(false)
  // A registrar may remove its own agents; the daemon knows which these are.
  const refusal = refusalOf('registrar', namespace)

  async function unregister(): Promise<string> {
    await request(`agents/${encodeURIComponent(id)}`, { method: 'DELETE' })
    open(linkTo(['agents']))
    return texts.unregistered(id)
  }

  return (
    <>
      <button
        type="button"
        aria-disabled={refusal !== undefined}
        title={refusal}
        onClick={() => void (isAsking.value = refusal === undefined)}
      >
        {texts.unregister}
      </button>
      {isAsking.value && (
        <Modal title={texts.unregisterTitle(id)} onClose={() => void (isAsking.value = false)}>
          <p>{texts.unregisterWhy}</p>
          <p class="row">
            <ActionButton run={unregister} isPrimary>
              {texts.unregister}
            </ActionButton>
            <button type="button" onClick={() => void (isAsking.value = false)}>
              {texts.cancel}
            </button>
          </p>
        </Modal>
      )}
    </>
  )
}
