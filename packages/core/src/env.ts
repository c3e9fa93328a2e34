/**
 * Options from environment variables: the only place that reads `OIDC_*`.
 *
 * @module
 */

import { systemClock } from './base/clock.ts'
import { findSimilar } from './base/compare.ts'
import {
  type ClientSecretAuthentication,
  clientSecretBasic,
  clientSecretPost,
} from './client/authentication.ts'
import { checkOptions } from './config.ts'
import { ConfigurationError, type ConfigurationIssue } from './errors.ts'
import type { JwsAlgorithm } from './keys/algorithms.ts'
import { splitKeyUris } from './keys/key-uri.ts'
import type { IdTokenAlg, Options } from './options.ts'
import { findPreset, type PresetName } from './provider/presets.ts'

/** The variables of this version. */
const names = [
  'OIDC_ISSUER',
  'OIDC_CLIENT_ID',
  'OIDC_CLIENT_KEY',
  'OIDC_CLIENT_ALG',
  'OIDC_CLIENT_SECRET',
  'OIDC_BASE_URL',
  'OIDC_SESSION_SECRET',
  'OIDC_SCOPE',
  'OIDC_ACR_VALUES',
  'OIDC_USERINFO',
  'OIDC_ID_TOKEN_ALG',
  'OIDC_CLIENT_ENCRYPTION_KEY',
  'OIDC_CLIENT_CERT',
  'OIDC_ASSERTION_ISSUER',
  'OIDC_PROVIDER',
] as const

/** Variables that a later version will read: set today, they would be ignored without a word. */
const reserved = ['OIDC_PROFILE'] as const

const required = ['OIDC_CLIENT_ID', 'OIDC_BASE_URL', 'OIDC_SESSION_SECRET'] as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads options from the environment.
 *
 * @throws ConfigurationError with every fault: a variable that is missing, misspelt or not supported by
 *   this version, and what is wrong with the options that the others make
 */
export function optionsFromEnv(env: Environment): Options {
  const options = readOptions(env)
  const own = [...findMissing(env), ...findMisspelt(env), ...findReserved(env)]
  const checked = checkOptions(options, { clock: systemClock, emit: () => {} })
  const others = 'issues' in checked ? checked.issues.map(nameVariable) : []
  const issues = [...own, ...others.filter(({ path }) => !own.some((issue) => issue.path === path))]
  if (issues.length > 0) throw new ConfigurationError(issues)
  return options
}

function readOptions(env: Environment): Options {
  const read = (name: (typeof names)[number]) => env[name]?.trim() || undefined
  const key = read('OIDC_CLIENT_KEY')
  const secret = read('OIDC_CLIENT_SECRET')
  const alg = read('OIDC_CLIENT_ALG')
  const scope = read('OIDC_SCOPE')
  const acrValues = read('OIDC_ACR_VALUES')
  const idTokenAlg = read('OIDC_ID_TOKEN_ALG')
  const decryptionKey = read('OIDC_CLIENT_ENCRYPTION_KEY')
  const issuer = read('OIDC_ISSUER')
  const certificate = read('OIDC_CLIENT_CERT')
  const assertionIssuer = read('OIDC_ASSERTION_ISSUER')
  const provider = read('OIDC_PROVIDER')
  const assertion = {
    ...(certificate !== undefined && { certificate: splitPlaces(certificate) }),
    ...(assertionIssuer !== undefined && { issuer: assertionIssuer }),
  }
  const idToken = {
    ...(idTokenAlg !== undefined && { alg: idTokenAlg.split(/[\s,]+/) as IdTokenAlg[] }),
    ...(decryptionKey !== undefined && { decryptionKey }),
  }
  return {
    ...(issuer !== undefined && { issuer }),
    // Whether it is the name of one is checked with the option
    ...(provider !== undefined && { provider: provider as PresetName }),
    clientId: read('OIDC_CLIENT_ID') ?? '',
    baseUrl: read('OIDC_BASE_URL') ?? '',
    session: { secret: (read('OIDC_SESSION_SECRET') ?? '').split(',').map((part) => part.trim()) },
    ...(key !== undefined && {
      // Whether the algorithm is one is checked with the option
      clientKey:
        alg === undefined
          ? key
          : splitKeyUris(key).map((uri) => ({ key: uri, alg: alg as JwsAlgorithm })),
    }),
    ...(secret !== undefined && { clientAuth: chooseSecretMethod(provider)(secret) }),
    ...(Object.keys(assertion).length > 0 && { assertion }),
    ...(Object.keys(idToken).length > 0 && { idToken }),
    userInfo: read('OIDC_USERINFO') === '1',
    authorization: {
      ...(scope !== undefined && { scope }),
      ...(acrValues !== undefined && { acr_values: acrValues }),
    },
  }
}

/** Several places have white space between them; a PEM has, too. */
function splitPlaces(text: string): readonly string[] {
  const parts = text.split(/\s+/)
  return parts.every((part) => /^(?:file|env):./.test(part)) ? parts : [text]
}

/** The way of sending a client secret that the provider takes. @see RFC 6749, 2.3.1 */
function chooseSecretMethod(
  provider: string | undefined,
): (secret: string) => ClientSecretAuthentication {
  const accepted = provider === undefined ? undefined : findPreset(provider)?.clientAuth
  const isPost =
    accepted?.includes('client_secret_post') && !accepted.includes('client_secret_basic')
  return isPost ? clientSecretPost : clientSecretBasic
}

/** The variable that an option came from, by the beginning of the option's path. */
const variables: readonly (readonly [prefix: string, name: string])[] = [
  ['issuer', 'OIDC_ISSUER'],
  ['provider', 'OIDC_PROVIDER'],
  ['clientId', 'OIDC_CLIENT_ID'],
  ['clientKey[0].alg', 'OIDC_CLIENT_ALG'],
  ['clientKey', 'OIDC_CLIENT_KEY'],
  ['clientAuth', 'OIDC_CLIENT_SECRET'],
  ['assertion.certificate', 'OIDC_CLIENT_CERT'],
  ['assertion.issuer', 'OIDC_ASSERTION_ISSUER'],
  ['baseUrl', 'OIDC_BASE_URL'],
  ['session.secret', 'OIDC_SESSION_SECRET'],
  ['authorization.scope', 'OIDC_SCOPE'],
  ['authorization.acr_values', 'OIDC_ACR_VALUES'],
  ['authorization.vtr', 'OIDC_ACR_VALUES'],
  ['idToken.alg', 'OIDC_ID_TOKEN_ALG'],
  ['idToken.decryptionKey', 'OIDC_CLIENT_ENCRYPTION_KEY'],
]

function nameVariable({ path, message }: ConfigurationIssue): ConfigurationIssue {
  const place = path.replace(/^clientKey\[\d+\]\.alg/, 'clientKey[0].alg')
  const [, name = path] = variables.find(([prefix]) => place.startsWith(prefix)) ?? []
  const [, index] = /^session\.secret\[(\d+)\]$/.exec(path) ?? []
  if (index === undefined) return { path: name, message }
  const which = `secret ${Number(index) + 1} (a comma separates the new one from old ones)`
  return { path: name, message: `${which} ${message}` }
}

function* findMissing(env: Environment): Generator<ConfigurationIssue> {
  // A provider may have one issuer only; what to do about any other one, its preset knows
  if (!env['OIDC_ISSUER']?.trim() && !env['OIDC_PROVIDER']?.trim()) {
    yield { path: 'OIDC_ISSUER', message: 'is required' }
  }
  for (const name of required) {
    if (!env[name]?.trim()) yield { path: name, message: 'is required' }
  }
  const preset = findPreset(env['OIDC_PROVIDER']?.trim() ?? '')
  const takesKeys = preset?.assertion !== undefined || preset === undefined
  if (takesKeys && !env['OIDC_CLIENT_KEY']?.trim() && !env['OIDC_CLIENT_SECRET']?.trim()) {
    yield {
      path: 'OIDC_CLIENT_KEY',
      message:
        'is required: file:./key.pem, env:NAME, a key store (awskms:///alias/login), or the PEM or ' +
        'JWK itself',
    }
  }
  if (env['OIDC_CLIENT_KEY']?.trim() && env['OIDC_CLIENT_SECRET']?.trim()) {
    yield {
      path: 'OIDC_CLIENT_SECRET',
      message: 'cannot be used together with OIDC_CLIENT_KEY: remove one of the two',
    }
  }
  const userInfo = env['OIDC_USERINFO']?.trim()
  if (userInfo && userInfo !== '0' && userInfo !== '1') {
    yield { path: 'OIDC_USERINFO', message: 'must be 1 or 0' }
  }
}

function* findMisspelt(env: Environment): Generator<ConfigurationIssue> {
  const known: readonly string[] = [...names, ...reserved]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('OIDC') || known.includes(name)) continue
    const similar = findSimilar(name, known)
    // Other OIDC_* variables are somebody else's
    if (similar)
      yield { path: name, message: `is not a variable of ours: did you mean ${similar}?` }
  }
}

function* findReserved(env: Environment): Generator<ConfigurationIssue> {
  for (const name of reserved) {
    if (env[name]?.trim()) yield { path: name, message: 'is not supported by this version' }
  }
}
