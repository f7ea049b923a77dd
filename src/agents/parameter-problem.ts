/** A parameter of the mesh that cannot be understood. */
export class ParameterProblem extends Error {
  override name = 'ParameterProblem'
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(message)
    this.parameter = parameter
  }
}
