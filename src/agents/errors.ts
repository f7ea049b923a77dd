/** Nobody of that id is registered. */
export class UnknownAgent extends Error {
  override name = 'UnknownAgent'

  constructor(id: string) {
    super(`Agent ${id} not found`)
  }
}

/** The config has no source of agents: what registers would be seen nowhere. */
export class NoAgentsHere extends Error {
  override name = 'NoAgentsHere'

  constructor() {
    super('This registry takes no agents: its config lists sources, and none of them is of type "agents".')
  }
}
