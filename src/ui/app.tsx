import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { link } from './data/live-servers.ts'
import type { DashboardPage, PageProps } from './pages/dashboard-page.ts'
import { pages } from './pages/pages.ts'
import { Notices } from './parts/notices.tsx'
import { linkTo, place } from './router.ts'
import { ConnectionLine } from './shell/connection-line.tsx'
import { Palette } from './shell/palette.tsx'
import { TokenDialog } from './shell/token-dialog.tsx'
import { shellTexts as texts } from './texts/shell.ts'

/** The frame of every page: menu, state of the connection, and the page itself. */
export function App() {
  const [first = '', ...below] = place.value.parts
  const page = pages.find(({ path, isBelow = false }) => path === first && (!isBelow || below.length > 0))
  const title = page?.title ?? texts.notFound
  useEffect(() => {
    document.title = `${title} · ${texts.product}`
  }, [title])
  return (
    <>
      <a class="skip" href="#content" onClick={toContent}>
        {texts.skip}
      </a>
      <header class="top">
        <a class="product" href={linkTo([])}>
          {texts.product}
        </a>
        <nav aria-label={texts.menu}>
          {pages
            .filter(({ isInMenu }) => isInMenu)
            .map(({ path, title }) => (
              <a key={path} href={linkTo(path === '' ? [] : [path])} aria-current={path === first ? 'page' : undefined}>
                {title}
              </a>
            ))}
        </nav>
        <Palette />
        <ConnectionLine />
      </header>
      <main id="content" tabIndex={-1}>
        {page ? <Loaded key={page.title} page={page} /> : <NotFound />}
      </main>
      <Notices />
      <TokenDialog />
    </>
  )
}

function Loaded({ page }: { readonly page: DashboardPage }) {
  const [loaded, setLoaded] = useState<{ readonly Content: ComponentType<PageProps> }>()
  const [isFailed, setFailed] = useState(false)
  // Begun here, since an effect waits until the frame around it is painted.
  const [loading] = useState(() => page.load())
  useEffect(() => {
    loading.then(
      (Content) => setLoaded({ Content }),
      () => setFailed(true),
    )
  }, [loading])
  useEffect(() => (isFailed ? reloadOnReturn() : undefined), [isFailed])
  // After an update of the daemon its old files are gone.
  if (isFailed)
    return (
      <p class="problem" role="alert">
        {texts.notLoaded} <a href={location.href}>{texts.reload}</a>
      </p>
    )
  return loaded ? <loaded.Content parts={place.value.parts.slice(1)} /> : null
}

/** Reloads the document when a daemon that was away answers again. Browsers keep the failure of a module. */
function reloadOnReturn(): () => void {
  let wasAway = false
  return link.subscribe(({ state }) => {
    if (state !== 'live') wasAway = true
    else if (wasAway) location.reload()
  })
}

function toContent(event: Event): void {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

function NotFound() {
  return (
    <section class="empty">
      <h1>{texts.notFound}</h1>
      <p>
        <a href={linkTo(['servers'])}>{texts.toServers}</a>
      </p>
    </section>
  )
}
