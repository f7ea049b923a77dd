import { allowedNetworks, useConfigSettings, watchedPaths } from '../../data/config-settings.ts'
import { addTexts as texts } from '../../texts/add.ts'

/** Says, before anything is probed, that a server of this host is blocked where it is written by hand, and what to do. */
export function LoopbackHint({ url }: { readonly url: string }) {
  const isLoopback = isLoopbackUrl(url)
  const config = useConfigSettings({ isWanted: isLoopback })
  const allowed = allowedNetworks(config)
  if (!isLoopback || allowed?.some((network) => /^(127\.|::1|0\.0\.0\.0\/|::\/)/.test(network))) return null
  const [watched] = watchedPaths(config) ?? []
  return (
    <p class="soft">
      {texts.loopback}
      {watched !== undefined && (
        <>
          {' '}
          <bdi>{texts.loopbackWatched(watched)}</bdi>
        </>
      )}
      {texts.loopbackAllow} <code>health.allow</code>
      {texts.loopbackOthers}
    </p>
  )
}

/** Whether a URL names the host of the daemon itself. */
function isLoopbackUrl(text: string): boolean {
  if (!URL.canParse(text.trim())) return false
  const { hostname } = new URL(text.trim())
  return /^(127\.[\d.]+|\[::1\]|\[::ffff:7f[\da-f:]+\]|0\.0\.0\.0|(.+\.)?localhost)\.?$/.test(hostname)
}
