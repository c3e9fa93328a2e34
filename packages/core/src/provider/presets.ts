/**
 * The providers that are known by name.
 *
 * @module
 */

import { findSimilar } from '../base/compare.ts'
import type { Preset } from './preset.ts'
import { auth0 } from './presets/auth0.ts'
import { criipto } from './presets/criipto.ts'
import { jiko } from './presets/jiko.ts'
import { signicat } from './presets/signicat.ts'

/** The name of a provider that is known. */
export type PresetName = 'criipto' | 'signicat' | 'jiko' | 'auth0'

/** Every preset by its name. */
export const presets: Readonly<Record<PresetName, Preset>> = { criipto, signicat, jiko, auth0 }

const all: readonly Preset[] = Object.values(presets)

/** Finds the preset of a name, or of another name of the same provider. */
export function findPreset(name: string): Preset | undefined {
  return all.find((preset) => preset.name === name || preset.aliases?.includes(name))
}

/** What is wrong with a name that no provider has. */
export function describeUnknownPreset(name: string): string {
  const names = all.flatMap((preset) => [preset.name, ...(preset.aliases ?? [])]).toSorted()
  const similar = findSimilar(name, names)
  const guess = similar ? `did you mean "${similar}"?` : `there are ${names.join(', ')}`
  return `is not the name of a provider: ${guess}`
}
