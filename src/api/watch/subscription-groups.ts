import { type SubscriptionGroup, createSubscriptionGroup } from './subscription-group.ts'
import type { WatchSelection } from './watch-selection.ts'

type Parts = Omit<Parameters<typeof createSubscriptionGroup>[0], 'subject' | 'inTurn'> & {
  readonly onError: (error: unknown) => void
}

/** What is watched at the moment: all who ask for the same are one audience, for as long as there is one of them. */
export function createSubscriptionGroups({ onError, ...parts }: Parts) {
  const audiences = new Map<string, SubscriptionGroup>()
  let underway = Promise.resolve()

  function inTurn(work: () => Promise<void>): void {
    underway = underway.then(work).catch(onError)
  }

  function audienceOf(subject: WatchSelection): SubscriptionGroup {
    const known = audiences.get(subject.key)
    if (known) return known
    const audience = createSubscriptionGroup({ ...parts, subject, inTurn })
    audiences.set(subject.key, audience)
    return audience
  }

  return {
    /** One more asks for it. */
    enter(subject: WatchSelection): SubscriptionGroup {
      const audience = audienceOf(subject)
      audience.enter()
      return audience
    },
    leave(audience: SubscriptionGroup): void {
      if (audience.leave() === 0) audiences.delete(audience.key)
    },
    /** Lets go of what everybody knows. */
    forget(): void {
      for (const audience of audiences.values()) audience.forget()
    },
    size: () => audiences.size,
  }
}
