import { toolTexts as texts } from '../../../texts/server/tool.ts'
import type { ContentPart, ToolCallAnswer } from './tool-call.ts'

/** What a tool answered: texts, images, links; structured content as JSON. */
export function AnswerView({ answer }: { readonly answer: ToolCallAnswer }) {
  const { content = [], structuredContent, isError = false } = answer
  // Servers repeat their structured content as text.
  const shown = structuredContent === undefined ? content : content.filter((part) => !repeats(part, structuredContent))
  return (
    <>
      {isError && <p class="problem">{texts.isError}</p>}
      {shown.length === 0 && structuredContent === undefined && <p class="soft">{texts.empty}</p>}
      {shown.map((part, index) => (
        <Part key={index} part={part} />
      ))}
      {structuredContent !== undefined && (
        <>
          <p class="soft">{texts.structured}</p>
          <LongText text={JSON.stringify(structuredContent, null, 2)} label={texts.structured} />
        </>
      )}
    </>
  )
}

function repeats({ text }: ContentPart, structured: unknown): boolean {
  return text !== undefined && prettyJson(text) === JSON.stringify(structured, null, 2)
}

/** What a browser shows in an image; a script in an SVG does not run there. */
const imageType = /^image\/(png|jpeg|gif|webp|avif|svg\+xml)$/

function Part({ part }: { readonly part: ContentPart }) {
  const { type, text, data = '', mimeType = '', resource } = part
  if (text !== undefined) return <LongText text={prettyJson(text) ?? text} label={texts.result} />
  if (type === 'image' && imageType.test(mimeType))
    return <img class="answer" src={`data:${mimeType};base64,${data}`} alt={texts.image(mimeType)} />
  if (type === 'resource_link') return <ResourceLink part={part} />
  if (resource?.text !== undefined)
    return (
      <>
        <p class="soft">
          <bdi>{resource.uri}</bdi>
        </p>
        <LongText text={prettyJson(resource.text) ?? resource.text} label={resource.uri ?? texts.result} />
      </>
    )
  const bytes = Math.floor(((resource?.blob ?? data).length * 3) / 4)
  return (
    <p class="soft">
      <bdi>{texts.other(resource?.mimeType ?? (mimeType || (type ?? '')), bytes)}</bdi>
    </p>
  )
}

function ResourceLink({ part: { uri = '', name, description } }: { readonly part: ContentPart }) {
  const shown = <bdi>{name ?? uri}</bdi>
  return (
    <p>
      {/^https?:\/\//i.test(uri) ? (
        <a href={uri} target="_blank" rel="noopener noreferrer">
          {shown}
        </a>
      ) : (
        shown
      )}{' '}
      <span class="soft">
        <bdi>{[name !== undefined && uri, description].filter(Boolean).join(' ')}</bdi>
      </span>
    </p>
  )
}

/** Longest text that is shown, in characters. */
const maxShown = 100_000

function LongText({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <>
      <pre tabIndex={0} role="region" aria-label={label} class="wrapped">
        <bdi>{text.slice(0, maxShown)}</bdi>
      </pre>
      {text.length > maxShown && <p class="soft">{texts.cut(text.length - maxShown)}</p>}
    </>
  )
}

/** The text with indents, if it is an object or a list as JSON. */
function prettyJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return undefined
  }
}
