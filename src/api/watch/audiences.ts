import { type Audience, createAudience } from './audience.ts'
import type { Subject } from './subject.ts'

type Parts = Omit<Parameters<typeof createAudience>[0], 'subject' | 'inTurn'> & {
  readonly onError: (error: unknown) => void
}

/** What is watched at the moment: all who ask for the same are one audience, for as long as there is one of them. */
export function createAudiences({ onError, ...parts }: Parts) {
  const audiences = new Map<string, Audience>()
  let underway = Promise.resolve()

  function inTurn(work: () => Promise<void>): void {
    underway = underway.then(work).catch(onError)
  }

  function audienceOf(subject: Subject): Audience {
    const known = audiences.get(subject.key)
    if (known) return known
    const audience = createAudience({ ...parts, subject, inTurn })
    audiences.set(subject.key, audience)
    return audience
  }

  return {
    /** One more asks for it. */
    enter(subject: Subject): Audience {
      const audience = audienceOf(subject)
      audience.enter()
      return audience
    },
    leave(audience: Audience): void {
      if (audience.leave() === 0) audiences.delete(audience.key)
    },
    /** Lets go of what everybody knows. */
    forget(): void {
      for (const audience of audiences.values()) audience.forget()
    },
    size: () => audiences.size,
  }
}
