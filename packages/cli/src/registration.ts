/**
 * What to do with a public key so that the provider knows it.
 *
 * @module
 */

import type { KeyForm, Preset } from '@countersign/core'
import { isSameAlgorithm } from '@countersign/core/inspection'
import type { Environment } from './environment.ts'
import type { GeneratedKey } from './generated-key.ts'

/** Where the public half of a key goes. */
export interface Registration {
  /** Who is to know it, and where it is told so. */
  readonly heading: string
  /** What to do there, a line each. */
  readonly steps: readonly string[]
  /** The document that says so. */
  readonly source: string | undefined
}

/** What is known of a key that is to be registered. */
export interface RegisteredKey {
  readonly key: Pick<GeneratedKey, 'alg'>
  readonly preset: Preset | undefined
  readonly environment: Environment
  /** The path of its certificate, where one was made. */
  readonly certificate: string | undefined
}

/** Says how a new key is registered, whose public half is shown above or below. */
export function describeRegistration(
  { key, preset, environment, certificate }: RegisteredKey,
  where: 'above' | 'below' = 'above',
): Registration {
  const url = findJwksUrl(environment)
  if (!preset) {
    return {
      heading: 'At the provider',
      steps: [
        `Best enter the URL of the app's JWK Set: ${url}`,
        certificate === undefined
          ? `Where it reads no URL, paste the JWK Set ${where}, or the public key.`
          : `Where it reads no URL, upload ${certificate}, or paste the JWK Set ${where} or the public key.`,
      ],
      source: undefined,
    }
  }
  const { title, registration, sources } = preset
  const forms = registration.forms.filter((form) => form !== 'made_there')
  const ways: Readonly<Record<KeyForm, string>> = {
    jwks_uri: `enter the URL of the app's JWK Set: ${url}`,
    jwks: registration.takesOneJwk
      ? `paste the JWK: of the JWK Set ${where} the object inside "keys"`
      : `paste the JWK Set ${where}`,
    pem: `paste the public key ${where}, with its first and last lines`,
    certificate:
      certificate === undefined
        ? `upload a certificate, which ${where === 'above' ? '--certificate' : '--certificate-out'} makes`
        : `upload ${certificate}`,
    made_there: '',
  }
  const [first = '', ...others] = forms.map((form) => ways[form])
  return {
    heading: `At ${title}: ${registration.where}`,
    steps: [
      `${first.charAt(0).toUpperCase()}${first.slice(1)}.`,
      ...others.map((way) => `Or ${way}.`),
      ...describeAlgorithm(key, preset),
      ...describeLimit(registration.limit),
    ],
    source: sources[0],
  }
}

/** Whether the provider finds new keys at the app's JWKS URL; `undefined` where that is not known. */
export function readsJwksUrl(preset: Preset | undefined): boolean | undefined {
  return preset && preset.registration.forms[0] === 'jwks_uri'
}

/** Whether a provider knows a key by its certificate, or takes it in no other form. */
export function isCertificateNeeded(preset: Preset | undefined): boolean {
  return (
    preset?.assertion?.certificate !== undefined || preset?.registration.forms[0] === 'certificate'
  )
}

/** The URL at which the app publishes its keys, as far as the environment says. */
export function findJwksUrl(environment: Environment): string {
  const baseUrl = environment['OIDC_BASE_URL']?.trim()
  const base = baseUrl && URL.canParse(baseUrl) ? baseUrl.replace(/\/+$/, '') : '<OIDC_BASE_URL>'
  return `${base}/.well-known/jwks.json`
}

/** A PEM does not say which algorithm it is for: where there are several, somebody has to. */
function describeAlgorithm(
  { alg }: Pick<GeneratedKey, 'alg'>,
  { registration, assertion }: Preset,
): readonly string[] {
  const algs = assertion?.algs ?? []
  if (registration.forms[0] !== 'pem' || algs.length < 2) return []
  const name = algs.find((accepted) => isSameAlgorithm(accepted, alg)) ?? alg
  return [`Choose ${name} as its algorithm there: the app signs with it.`]
}

function describeLimit(limit: number | undefined): readonly string[] {
  if (limit === undefined) return []
  return [`It keeps ${limit === 1 ? 'one key' : `${limit} keys`} at most: remove an old one first.`]
}
