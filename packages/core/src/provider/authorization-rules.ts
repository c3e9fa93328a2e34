/**
 * Whether an Authentication Request is what a provider's documents demand.
 *
 * @see OpenID Connect Core 1.0, 3.1.2.1
 *
 * @module
 */

import type { Preset } from './preset.ts'

/** A parameter that the provider would refuse, and why: a sentence without a subject. */
export interface RefusedParameter {
  readonly parameter: string
  readonly message: string
}

/**
 * Finds the parameters that a provider would refuse, or miss. `acr_values` are what the app says, also
 * where the provider reads `vtr`.
 */
export function findRefusedParameters(
  { title, authorization = {}, acr }: Pick<Preset, 'title' | 'authorization' | 'acr'>,
  parameters: Readonly<Record<string, unknown>>,
): readonly RefusedParameter[] {
  const { required = [], refusedScopes = [], responseModes, prompts } = authorization
  const scopes = split(parameters['scope'])
  const lists = { response_mode: responseModes, prompt: prompts }
  return [
    ...required
      .filter((name) => !isGiven(parameters, name))
      .map((parameter) => ({ parameter, message: `is required by ${title}` })),
    ...refusedScopes
      .filter((scope) => scopes.includes(scope))
      .map((scope) => ({
        parameter: 'scope',
        message: `must not have "${scope}", which ${title} refuses`,
      })),
    ...Object.entries(lists).flatMap(([parameter, accepted]) => {
      const value = parameters[parameter]
      if (value === undefined || !accepted || accepted.includes(String(value))) return []
      return [{ parameter, message: `is "${value}", and ${title} accepts ${listEither(accepted)}` }]
    }),
    ...split(parameters['acr_values'])
      .filter((level) => acr?.levels?.includes(level) === false)
      .map((level) => ({
        parameter: 'acr_values',
        message: `has "${level}", and there are ${acr?.levels?.join(', ')}`,
      })),
  ]
}

function isGiven(parameters: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = parameters[name === 'vtr' ? 'acr_values' : name] ?? parameters[name]
  return value !== undefined && value !== ''
}

function split(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split(' ').filter((part) => part !== '') : []
}

/** What is accepted, in words. */
export function listEither(values: readonly string[]): string {
  const [last, ...others] = values.toReversed()
  return others.length === 0 ? `${last} only` : `${others.toReversed().join(', ')} or ${last}`
}
