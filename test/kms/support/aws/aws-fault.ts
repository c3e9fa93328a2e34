/**
 * The errors of AWS KMS, as they are on the wire.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
 *
 * @module
 */

/** An error answer. */
export class AwsFault extends Error {
  readonly status: number

  constructor(name: string, message: string, status: number = 400) {
    super(message)
    this.name = name
    this.status = status
  }
}

/** The error of a parameter that its constraint does not allow. */
export function buildValidationFault(parameter: string, constraint: string): AwsFault {
  return new AwsFault(
    'ValidationException',
    `1 validation error detected: Value at '${parameter}' failed to satisfy constraint: ${constraint}`,
  )
}
