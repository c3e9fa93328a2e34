/**
 * How strongly the End-User is to be authenticated, at providers where the client has to say so, and to
 * check that it was done.
 *
 * @see OpenID Connect Core 1.0, 3.1.2.1 (`acr_values`) and 5.5.1.1
 * @see RFC 8485, 3 and 4 (`vtr`, `vot`)
 *
 * @module
 */

import { TokenValidationError } from '../errors.ts'
import type { AcrDemands } from '../provider/preset.ts'
import type { IdTokenClaims } from '../session/session.ts'

/** Writes `acr_values` as the provider takes them. */
export function writeAcr(
  wire: Readonly<Record<string, string>>,
  { parameter }: AcrDemands,
): Readonly<Record<string, string>> {
  const { acr_values: values, ...others } = wire
  if (parameter !== 'vtr' || values === undefined) return wire
  const vectors = values.split(' ').filter((value) => value !== '')
  return vectors.length === 0 ? others : { ...others, vtr: JSON.stringify(vectors) }
}

/** The values that a request asks for, any of which will do. */
export function readRequestedAcr(
  wire: Readonly<Record<string, string>>,
): readonly string[] | undefined {
  const { acr_values: values, vtr } = wire
  if (vtr !== undefined) return readVectors(vtr)
  const requested = values?.split(' ').filter((value) => value !== '') ?? []
  return requested.length > 0 ? requested : undefined
}

function readVectors(vtr: string): readonly string[] | undefined {
  try {
    const vectors: unknown = JSON.parse(vtr)
    return Array.isArray(vectors) && vectors.every((vector) => typeof vector === 'string')
      ? vectors
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Checks that the End-User was authenticated as strongly as was asked for, where the provider's documents
 * say that the client has to.
 *
 * @throws TokenValidationError `ERR_STEP_UP`
 */
export function checkAcr(
  claims: IdTokenClaims,
  requested: readonly string[] | undefined,
  demands: AcrDemands,
): void {
  const { claim = 'acr' } = demands
  const actual = claims[claim]
  if (!requested || meetsAcr(actual, requested, demands)) return
  throw new TokenValidationError(
    'ERR_STEP_UP',
    `the provider signed the End-User in, but not as strongly as was asked: "${claim}" is ` +
      `${JSON.stringify(actual ?? null)}, and ${requested.join(' or ')} was asked for`,
    { tokenKind: 'id_token', claim, reason: 'mismatch' },
  )
}

/** Whether an answer will do where any of these was asked for. */
export function meetsAcr(
  actual: unknown,
  requested: readonly string[],
  demands: AcrDemands = {},
): boolean {
  return requested.some((value) => isEnough(actual, value, demands))
}

function isEnough(
  actual: unknown,
  requested: string,
  { levels = [], components }: AcrDemands,
): boolean {
  if (typeof actual !== 'string') return false
  if (actual === requested) return true
  if (components) {
    const answered = pick(actual, components)
    return answered !== '' && answered === pick(requested, components)
  }
  const least = levels.indexOf(requested)
  return least !== -1 && levels.indexOf(actual) > least
}

/** The components of these letters, in one order. @see RFC 8485, 3 */
function pick(vector: string, letters: readonly string[]): string {
  const components = vector.split('.').filter((component) => letters.includes(component.charAt(0)))
  return components.sort().join('.')
}

/** Gives a vector of trust the name that guards look for. */
export function nameAcr(claims: IdTokenClaims, { claim }: AcrDemands): IdTokenClaims {
  const vot = claims['vot']
  if (claim !== 'vot' || typeof vot !== 'string') return claims
  return { ...claims, acr: vot }
}
