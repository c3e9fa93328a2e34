/**
 * The provider that a key is for, and whether it takes such a key.
 *
 * @module
 */

import { findPreset, type JwsAlgorithm, type Preset } from '@countersign/core'
import { describeUnknownPreset, isSameAlgorithm } from '@countersign/core/inspection'
import { isJwsAlgorithm, jwsAlgorithms } from '@countersign/core/keys'
import type { Environment } from './environment.ts'
import { CommandError } from './failure.ts'

/**
 * Finds the provider that an option names, else `OIDC_PROVIDER`.
 *
 * @throws CommandError when there is none of that name
 */
export function findProvider(
  name: string | undefined,
  environment: Environment,
): Preset | undefined {
  const variable = environment['OIDC_PROVIDER']?.trim() || undefined
  const chosen = name ?? variable
  if (chosen === undefined) return undefined
  const preset = findPreset(chosen)
  if (preset) return preset
  const where = name === undefined ? 'OIDC_PROVIDER' : '--provider'
  throw new CommandError(`${where}: "${chosen}" ${describeUnknownPreset(chosen)}`)
}

/**
 * Reads the name of an algorithm.
 *
 * @throws CommandError
 */
export function readAlgorithm(name: string): JwsAlgorithm {
  const upper = jwsAlgorithms.find((alg) => alg.toLowerCase() === name.toLowerCase())
  if (isJwsAlgorithm(upper)) return upper
  throw new CommandError(`--alg: must be one of ${jwsAlgorithms.join(', ')}`)
}

/** What a client without a key has to do: set one, unless its provider takes none. */
export function describeMissingKey(preset: Preset | undefined): string {
  if (!preset || preset.assertion) return 'set OIDC_CLIENT_KEY'
  const { title, clientAuth, sources } = preset
  const ways = new Intl.ListFormat('en', { type: 'disjunction' }).format(clientAuth)
  return `${title} takes no client key, and knows clients by ${ways} (${sources[0]})`
}

/** The algorithm that is best for a provider; for one that is not known ES256. */
export function chooseAlgorithmFor(preset: Preset | undefined): JwsAlgorithm {
  const { recommendedAlgs, algs } = preset?.assertion ?? {}
  return recommendedAlgs?.[0] ?? algs?.[0] ?? 'ES256'
}

/**
 * Checks that a provider takes keys for this algorithm.
 *
 * @throws CommandError with what its documents say, and where
 */
export function checkAccepted(preset: Preset | undefined, alg: JwsAlgorithm): void {
  if (!preset) return
  const { title, sources, assertion, registration } = preset
  if (!assertion || registration.forms.length === 0) {
    throw new CommandError(`${title} takes no client key: ${sources[0]}`)
  }
  if (registration.forms.every((form) => form === 'made_there')) {
    throw new CommandError(
      `${title} makes the key itself, and hands it out (${registration.where}): ${sources[0]}`,
    )
  }
  const { algs } = assertion
  if (algs.some((accepted) => isSameAlgorithm(accepted, alg))) return
  throw new CommandError(
    `${title} does not accept ${alg}, and accepts ${algs.join(', ')}: ${sources[0]}`,
  )
}
