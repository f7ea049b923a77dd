import { useId } from 'preact/hooks'
import { toolTexts as texts } from '../../../texts/server/tool.ts'
import { type InputSchema, propertiesOf, requiredNames } from '../schema.ts'
import { fieldKind, type FieldTexts, pathBelow } from './form-values.ts'

type FieldsProps = {
  readonly schema: unknown
  readonly texts: FieldTexts
  readonly errors: Readonly<Record<string, string>>
  readonly write: (path: string, text: string) => void
  readonly path?: string
  readonly depth?: number
}

/** A field for each argument of a tool, as its schema describes it. */
export function ArgumentFields({ path = '', depth = 0, ...props }: FieldsProps) {
  const required = requiredNames(props.schema)
  return (
    <>
      {Object.entries(propertiesOf(props.schema)).map(([name, property]) => (
        <ArgumentField
          key={name}
          {...props}
          name={name}
          schema={property}
          path={pathBelow(path, name)}
          depth={depth}
          isRequired={required.has(name)}
        />
      ))}
    </>
  )
}

type FieldProps = FieldsProps & {
  readonly name: string
  readonly schema: InputSchema
  readonly path: string
  readonly depth: number
  readonly isRequired: boolean
}

function ArgumentField({ name, schema, path, depth, isRequired, ...rest }: FieldProps) {
  const id = useId()
  const kind = fieldKind(schema, depth)
  const { description } = schema
  const about = typeof description === 'string' ? description : ''
  if (kind === 'group')
    return (
      <fieldset>
        <legend>
          <code>
            <bdi>{name}</bdi>
          </code>{' '}
          {!isRequired && <span class="soft">{texts.optional}</span>}
        </legend>
        {about !== '' && (
          <p class="soft">
            <bdi>{about}</bdi>
          </p>
        )}
        <ArgumentFields {...rest} schema={schema} path={path} depth={depth + 1} />
      </fieldset>
    )
  const error = rest.errors[path]
  const hint = [about, kind === 'list' && texts.onePerLine, kind === 'json' && texts.isJson].filter(Boolean).join(' ')
  return (
    <div class="field">
      <label for={id}>
        <code>
          <bdi>{name}</bdi>
        </code>{' '}
        {!isRequired && <span class="soft">{texts.optional}</span>}
      </label>
      <Input
        kind={kind}
        schema={schema}
        text={rest.texts[path] ?? ''}
        write={(text) => rest.write(path, text)}
        attributes={{
          id,
          'aria-describedby': `${id}-hint`,
          'aria-invalid': error !== undefined,
          'aria-required': isRequired,
        }}
      />
      <p id={`${id}-hint`} class="soft">
        {error !== undefined && (
          <span class="wrong">
            {name} {error}.{' '}
          </span>
        )}
        <bdi>{hint}</bdi>
      </p>
    </div>
  )
}

type InputProps = {
  readonly kind: ReturnType<typeof fieldKind>
  readonly schema: InputSchema
  readonly text: string
  readonly write: (text: string) => void
  readonly attributes: {
    readonly id: string
    readonly 'aria-describedby': string
    readonly 'aria-invalid': boolean
    readonly 'aria-required': boolean
  }
}

function Input({ kind, schema, text, write, attributes }: InputProps) {
  const onInput = (event: Event) => write((event.currentTarget as HTMLInputElement).value)
  if (kind === 'list' || kind === 'json')
    return <textarea {...attributes} class="code" rows={3} spellcheck={false} value={text} onInput={onInput} />
  if (kind === 'boolean' || kind === 'choice') {
    // Values are JSON, so that 1 and "1" stay apart.
    const values: readonly (readonly [string, string])[] =
      kind === 'boolean'
        ? [
            ['true', texts.yes],
            ['false', texts.no],
          ]
        : (schema['enum'] as readonly unknown[]).map((value) => [JSON.stringify(value), String(value)])
    return (
      <select {...attributes} value={text} onChange={onInput}>
        <option value="">{texts.notSet}</option>
        {values.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    )
  }
  const { maxLength } = schema
  const isLong = kind === 'text' && typeof maxLength !== 'number' && /\n/.test(text)
  if (isLong) return <textarea {...attributes} rows={3} value={text} onInput={onInput} />
  return (
    <input
      {...attributes}
      type="text"
      inputMode={kind === 'number' ? 'decimal' : undefined}
      autocomplete="off"
      value={text}
      onInput={onInput}
    />
  )
}
