import type { Offer } from './offer.ts'

/** One offer of each provider, by the provider's id, in a fixed order. */
export type OffersByProvider = Pick<ReadonlyMap<string, Offer>, 'size' | 'get' | 'has'> & {
  keys(): IteratorObject<string>
  values(): IteratorObject<Offer>
}

/** Above this number, a lookup in a list would cost more than the memory of a map. */
const maxListed = 8

/** The same offers, in as little memory as they need: there is a ranking for each of ten thousand dependencies. */
export function compactOffers(offers: ReadonlyMap<string, Offer>): OffersByProvider {
  return offers.size > maxListed ? offers : new ListedOffers(offers)
}

class ListedOffers implements OffersByProvider {
  readonly #offers: readonly Offer[]

  constructor(offers: ReadonlyMap<string, Offer>) {
    this.#offers = [...offers.values()].slice()
  }

  get size(): number {
    return this.#offers.length
  }

  get(id: string): Offer | undefined {
    return this.#offers.find(({ provider }) => provider.id === id)
  }

  has(id: string): boolean {
    return this.get(id) !== undefined
  }

  keys(): IteratorObject<string> {
    return this.#offers.values().map(({ provider }) => provider.id)
  }

  values(): IteratorObject<Offer> {
    return this.#offers.values()
  }
}
