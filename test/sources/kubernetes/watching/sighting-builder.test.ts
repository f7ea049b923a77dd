import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reading, SourceError } from '../../../../src/model/source.ts'
import { KubeApiError } from '../../../../src/sources/kubernetes/connection/kube-api-error.ts'
import type { Reflectors, ResourceKind } from '../../../../src/sources/kubernetes/watching/reflectors.ts'
import { createSightingBuilder } from '../../../../src/sources/kubernetes/watching/sighting-builder.ts'

const kinds: readonly ResourceKind[] = ['services', 'configmaps', 'endpointslices']
const unavailable = new KubeApiError('unavailable', 'list services: the API server answered 503')
const forbidden = new KubeApiError('forbidden', 'list endpointslices: forbidden (403)')

/** A sighting builder over reflectors whose state the test sets. */
function createBuilder() {
  const states = new Map(
    kinds.map((kind) => [
      kind,
      { isListed: false, error: undefined as SourceError | undefined, isRevoked: false, unreadable: 0 },
    ]),
  )
  const stateOf = (kind: ResourceKind) => states.get(kind) ?? assert.fail()
  const configured = kinds.map((kind) => ({
    kind,
    namespace: undefined,
    reflector: {
      isListed: () => stateOf(kind).isListed,
      error: () => stateOf(kind).error,
      failingSince: () => performance.now(),
      isRevoked: () => stateOf(kind).isRevoked,
      unreadable: () => stateOf(kind).unreadable,
    },
  }))
  const readings = new Map<string, Reading>()
  const reflectors = {
    configured,
    fallbacks: new Map(),
    reflectorFor: (kind: ResourceKind) => configured.find((scoped) => scoped.kind === kind),
  } as unknown as Reflectors
  return { builder: createSightingBuilder({ reflectors, readings }), readings, stateOf }
}

const reading = (origin: string): Reading => ({ origin, entries: [] })

/** A builder that has yielded its first picture, with one Service. */
function createListedBuilder() {
  const created = createBuilder()
  for (const kind of kinds) created.stateOf(kind).isListed = true
  created.readings.set('service/prod/weather', reading('service/prod/weather'))
  assert.equal(created.builder.next({ force: false })?.type, 'picture')
  return created
}

describe('sighting builder', () => {
  it('yields a picture once every required kind is listed, and changes afterwards', () => {
    const { builder, readings, stateOf } = createBuilder()
    readings.set('service/prod/weather', reading('service/prod/weather'))
    stateOf('services').isListed = true
    assert.equal(builder.next({ force: false }), undefined)
    stateOf('configmaps').isListed = true
    assert.equal(builder.next({ force: false })?.type, 'picture')

    readings.set('service/prod/storm', reading('service/prod/storm'))
    readings.delete('service/prod/weather')
    builder.markChanged(['service/prod/storm', 'service/prod/weather'])

    assert.deepEqual(builder.next({ force: false }), {
      type: 'change',
      readings: [reading('service/prod/storm')],
      gone: ['service/prod/weather'],
    })
  })

  it('yields nothing without a change, and an alive sighting if forced', () => {
    const { builder } = createListedBuilder()
    assert.equal(builder.next({ force: false }), undefined)
    assert.deepEqual(builder.next({ force: true }), { type: 'alive' })
  })

  it('yields another picture on request', () => {
    const { builder } = createListedBuilder()
    builder.requestPicture()
    assert.equal(builder.next({ force: false })?.type, 'picture')
  })

  it('adds a failing reflector as an origin, and keeps its servers', () => {
    const { builder, stateOf } = createListedBuilder()
    stateOf('services').error = unavailable

    assert.deepEqual(builder.next({ force: false }), {
      type: 'change',
      readings: [{ origin: 'watch/services', error: unavailable }],
      gone: [],
      note: `not connected: ${unavailable.message}`,
    })
    assert.equal(builder.next({ force: false }), undefined, 'the same failure changes nothing')
  })

  it('marks the servers of a reflector as failing when access is revoked', () => {
    const { builder, stateOf } = createListedBuilder()
    Object.assign(stateOf('services'), { error: forbidden, isRevoked: true })
    builder.markReflectorChanged({ kind: 'services', namespace: undefined })

    const sighting = builder.next({ force: false })
    assert.ok(sighting?.type === 'change')
    assert.deepEqual(sighting.readings.map(({ origin }) => origin).toSorted(), [
      'service/prod/weather',
      'watch/services',
    ])
  })

  it('notes unknown endpoints and unreadable objects', () => {
    const { builder, stateOf } = createListedBuilder()
    stateOf('endpointslices').error = forbidden
    stateOf('services').unreadable = 2

    assert.equal(builder.next({ force: false })?.note, `endpoints unknown: ${forbidden.message}; 2 unreadable objects`)
  })
})
