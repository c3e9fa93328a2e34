/**
 * The providers that are known by name.
 *
 * @module
 */

import { findSimilar } from '../base/compare.ts'
import type { Preset } from './preset.ts'
import { apple } from './presets/apple.ts'
import { auth0 } from './presets/auth0.ts'
import { criipto } from './presets/criipto.ts'
import { curity } from './presets/curity.ts'
import { duende } from './presets/duende.ts'
import { entra } from './presets/entra.ts'
import { franceConnect } from './presets/france-connect.ts'
import { franceConnectPlus } from './presets/france-connect-plus.ts'
import { google } from './presets/google.ts'
import { govukOneLogin } from './presets/govuk-one-login.ts'
import { idPorten } from './presets/id-porten.ts'
import { itsme } from './presets/itsme.ts'
import { jiko } from './presets/jiko.ts'
import { keycloak } from './presets/keycloak.ts'
import { loginGov } from './presets/login-gov.ts'
import { okta } from './presets/okta.ts'
import { openiddict } from './presets/openiddict.ts'
import { pingone } from './presets/pingone.ts'
import { signicat } from './presets/signicat.ts'

/** The name of a provider that is known. */
export type PresetName =
  | 'criipto'
  | 'signicat'
  | 'jiko'
  | 'auth0'
  | 'okta'
  | 'entra'
  | 'keycloak'
  | 'pingone'
  | 'curity'
  | 'duende'
  | 'openiddict'
  | 'login-gov'
  | 'id-porten'
  | 'govuk-one-login'
  | 'itsme'
  | 'france-connect'
  | 'france-connect-plus'
  | 'apple'
  | 'google'

/** Another name of one of them. */
export type PresetAlias =
  | 'idura'
  | 'azure-ad'
  | 'logingov'
  | 'idporten'
  | 'govuk'
  | 'franceconnect'
  | 'franceconnect-plus'

/** Every preset by its name. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  criipto,
  signicat,
  jiko,
  auth0,
  okta,
  entra,
  keycloak,
  pingone,
  curity,
  duende,
  openiddict,
  'login-gov': loginGov,
  'id-porten': idPorten,
  'govuk-one-login': govukOneLogin,
  itsme,
  'france-connect': franceConnect,
  'france-connect-plus': franceConnectPlus,
  apple,
  google,
}

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
