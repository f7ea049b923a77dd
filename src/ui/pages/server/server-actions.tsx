import { useSignal } from '@preact/signals'
import { request } from '../../data/api.ts'
import { refusalOf } from '../../data/rights.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Modal } from '../../parts/modal.tsx'
import { Ago } from '../../parts/time.tsx'
import { serverActionTexts as texts } from '../../texts/server/server-actions.ts'
import { EditDialog } from './edit-dialog.tsx'
import { serverPath, type ServerAnswer } from './server-answer.ts'
import { probeRefusal, probeServer, switchServer } from './server-work.ts'

type ActionProps = { readonly server: ServerAnswer; readonly refresh: () => void }

/** What can be done with a server: probe it, switch it, and change it where it was written by hand. */
export function ServerActions({ server, refresh }: ActionProps) {
  const open = useSignal<'edit' | 'remove' | undefined>(undefined)
  const path = serverPath(server)
  const { override } = server
  const refusal = refusalOf('admin', server.namespace)
  const foreign = server.discovery_method === 'manual' ? refusal : texts.onlyManual(server.source)
  const close = () => void (open.value = undefined)

  const probe = () => probeServer(server).finally(refresh)
  const toggle = () => switchServer(server, !server.enabled).finally(refresh)

  async function reset(): Promise<string> {
    await request(`${path}/override`, { method: 'DELETE' }).finally(refresh)
    return texts.wasReset
  }

  async function remove(): Promise<string> {
    const headers = { 'if-match': `"${server.resource_version}"` }
    await request(path, { method: 'DELETE', headers }).finally(refresh)
    close()
    return texts.removed
  }

  return (
    <>
      <span class="row actions">
        <ActionButton run={probe} refusal={refusal ?? probeRefusal(server)}>
          {texts.probe}
        </ActionButton>
        <ActionButton run={toggle} refusal={refusal}>
          {server.enabled ? texts.disable : texts.enable}
        </ActionButton>
        {override && (
          <ActionButton run={reset} refusal={refusal}>
            {texts.reset}
          </ActionButton>
        )}
        <OpenButton text={texts.edit} refusal={foreign} open={() => void (open.value = 'edit')} />
        <OpenButton text={texts.remove} refusal={foreign} open={() => void (open.value = 'remove')} />
      </span>
      {override && (
        <p class="soft">
          <bdi>{texts.overridden(override.enabled, override.by)}</bdi> <Ago at={override.at} />
        </p>
      )}
      {open.value === 'edit' && <EditDialog server={server} onClose={close} onSaved={refresh} />}
      {open.value === 'remove' && (
        <Modal title={texts.removeTitle(server.id)} onClose={close}>
          <p>{texts.removeWhy}</p>
          <p class="row">
            <ActionButton run={remove} isPrimary>
              {texts.remove}
            </ActionButton>
            <button type="button" onClick={close}>
              {texts.cancel}
            </button>
          </p>
        </Modal>
      )}
    </>
  )
}

function OpenButton({
  text,
  refusal,
  open,
}: {
  readonly text: string
  readonly refusal: string | undefined
  readonly open: () => void
}) {
  return (
    <button
      type="button"
      aria-disabled={refusal !== undefined}
      title={refusal}
      onClick={() => refusal === undefined && open()}
    >
      {text}
    </button>
  )
}
