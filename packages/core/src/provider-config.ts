/**
 * What is configured of one provider: the only one, or one of several. Every fault at once.
 *
 * @module
 */

import type { Clock } from './base/clock.ts'
import { dropUndefined } from './base/objects.ts'
import type { ClientAuthentication } from './client/authentication.ts'
import type { AssertionOptions } from './client/client-assertion.ts'
import { isSignedMethod } from './client/set-assertion.ts'
import { KeyError } from './errors.ts'
import type { Emit } from './events.ts'
import type { FetchSettings } from './http/fetch.ts'
import type { AcceptedKeys } from './keys/accepted-keys.ts'
import { type Certificates, createCertificates } from './keys/certificate.ts'
import { readClientKey } from './keys/client-key.ts'
import type { TimedDecrypter } from './keys/decrypter.ts'
import { readDecryptionKey } from './keys/decryption-key.ts'
import { listNames } from './keys/public-jwk.ts'
import type { KeySource, NamedKey } from './keys/signer.ts'
import type { Authorization } from './login/authentication-request.ts'
import * as check from './option-checks.ts'
import type { ProviderOptions } from './options.ts'
import { checkPreset, fillIn, readAccepted, readPreset } from './preset-options.ts'
import type { Preset } from './provider/preset.ts'

/** One provider and our registration there, with every default filled in. */
export interface ProviderConfig {
  /** `''` where there is only one. */
  readonly id: string
  readonly label: string
  /** What is known of the provider by its name. */
  readonly preset: Preset | undefined
  readonly issuer: string
  readonly clientId: string
  readonly clientAuth: ClientAuthentication
  /** The client keys that the provider accepts, where that is known. */
  readonly accepted: AcceptedKeys | undefined
  readonly keySources: readonly KeySource[]
  readonly decryptionSources: readonly KeySource<TimedDecrypter>[]
  readonly assertion: AssertionOptions
  readonly authorization: Authorization
  readonly userInfo: boolean
  readonly idToken: {
    readonly algs: readonly string[] | undefined
    readonly clockTolerance: number
    readonly trustedAudiences: readonly string[]
  }
  readonly http: FetchSettings
}

/** What checking keys takes besides the options. */
export interface CheckContext {
  readonly clock: Clock
  readonly emit: Emit
}

/** Options whose shape is right as far as they are there. */
export interface ReadableOptions {
  readonly options: Partial<ProviderOptions>
  /** Whether an option has the right shape, or is not there. */
  hasShape(path: string): boolean
}

/** Reads what is configured of one provider, and reports each fault. */
export function readProviderConfig(
  id: string,
  { options: given, hasShape }: ReadableOptions,
  context: CheckContext & { readonly report: check.Report },
): ProviderConfig {
  const { report } = context
  const preset = readPreset(given.provider, report)
  if (preset) checkPreset(given, preset, { report, hasShape })
  const options = preset ? fillIn(given, preset) : given
  const issuer = options.issuer === undefined ? '' : check.readIssuer(options.issuer, report)
  if (!preset && given.provider === undefined && issuer === '' && hasShape('issuer')) {
    if (options.issuer === undefined) report('issuer', 'is required')
  }
  check.checkAuthorization(options, report)
  check.checkAssertion(options.assertion, report)
  check.checkHttp(options.http, report)
  const algs = check.readIdTokenAlgs(options, report)
  const accepted = readAccepted(preset, given.assertion)
  const authentication = hasShape('clientAuth')
    ? readAuthentication(options, {
        ...context,
        accepted,
        takesKeys: !preset || accepted !== undefined,
      })
    : { clientAuth: 'private_key_jwt' as const, keySources: [], known: [] }
  const { known, ...client } = authentication
  const decryptionSources = readDecryption(options, known, { ...context, preset })
  const { idToken, http } = options
  const authorization = options.authorization ?? {}
  return {
    id,
    label: options.label ?? id,
    preset,
    issuer,
    clientId: options.clientId ?? '',
    ...client,
    accepted,
    decryptionSources,
    assertion: readAssertion(options, { ...context, preset }),
    authorization: typeof authorization === 'function' ? authorization : copy(authorization),
    userInfo: options.userInfo ?? false,
    idToken: {
      algs,
      clockTolerance: idToken?.clockTolerance ?? 30,
      trustedAudiences: [...(idToken?.trustedAudiences ?? [])],
    },
    http: {
      timeout: http?.timeout ?? 5,
      userAgent: http?.userAgent ?? 'countersign',
      ca: http?.ca && [http.ca].flat(),
      proxy: http?.proxy,
      fetch: http?.fetch,
    },
  }
}

interface ReportContext extends CheckContext {
  readonly report: check.Report
}

interface PresetContext extends ReportContext {
  readonly accepted: AcceptedKeys | undefined
}

function readAssertion(
  { assertion, clientAuth }: Partial<ProviderOptions>,
  { preset, clock, report }: ReportContext & { readonly preset: Preset | undefined },
): AssertionOptions {
  const { certificate, ...options } = assertion ?? {}
  const demands = preset?.assertion
  return {
    ...copy({
      audience: 'issuer',
      lifetime: 60,
      kid: 'thumbprint' as const,
      header: {},
      claims: {},
      ...dropUndefined(options),
      backdate: demands?.backdate,
      hasNotBefore: demands?.required?.includes('nbf'),
      isClientSecret:
        clientAuth === 'signed_client_secret' ||
        preset?.clientAuth.includes('private_key_jwt') === false,
    }),
    certificates: certificate === undefined ? undefined : readCertificates(certificate),
    certificateHeader: demands?.certificate ?? 'x5t#S256',
  }

  function readCertificates(places: string | readonly string[]): Certificates | undefined {
    try {
      return createCertificates([places].flat(), clock)
    } catch (error) {
      if (!(error instanceof KeyError)) throw error
      report('assertion.certificate', error.message)
      return undefined
    }
  }
}

/** A copy of data; what is no data has been reported. */
function copy<Value>(value: Value): Value {
  try {
    return structuredClone(value)
  } catch {
    return value
  }
}

function readAuthentication(
  { clientKey, clientAuth }: Partial<ProviderOptions>,
  context: PresetContext & { readonly takesKeys: boolean },
): Pick<ProviderConfig, 'clientAuth' | 'keySources'> & { readonly known: readonly NamedKey[] } {
  const { report, accepted, takesKeys } = context
  const choice = clientAuth ?? 'private_key_jwt'
  const usesKey = isSignedMethod(choice)
  if (clientKey === undefined) {
    if (usesKey && takesKeys) {
      report('clientKey', 'is required: file:./key.pem, env:NAME, or the PEM or JWK itself')
    }
    return { clientAuth: choice, keySources: [], known: [] }
  }
  if (!usesKey) {
    report('clientAuth', 'cannot be used together with "clientKey": remove one of the two')
  }
  const { sources, known, issues } = readClientKey(clientKey, {
    ...context,
    defaultRsaAlg: accepted?.defaultRsaAlg ?? 'RS256',
    path: 'clientKey',
  })
  for (const issue of issues) report(issue.path, issue.message)
  return { clientAuth: choice, keySources: sources, known }
}

/** Reads the decryption keys, none of which may sign: a key has one use (RFC 7517, 4.2). */
function readDecryption(
  { idToken }: Partial<ProviderOptions>,
  signing: readonly NamedKey[],
  { preset, emit, report }: ReportContext & { readonly preset: Preset | undefined },
): ProviderConfig['decryptionSources'] {
  if (idToken?.decryptionKey === undefined) return []
  const path = 'idToken.decryptionKey'
  const accepted = preset?.encryption?.algs
  const context = { path, accepted, emit }
  const { sources, known, issues } = readDecryptionKey(idToken.decryptionKey, context)
  for (const issue of issues) report(issue.path, issue.message)
  const list = ({ kid, publicJwk }: NamedKey) => listNames({ ...publicJwk, kid })
  const taken = new Set(signing.flatMap(list))
  const shared = known.find((key) => list(key).some((name) => taken.has(name)))
  if (shared) {
    report(path, `has the key or the "kid" of a client key, "${shared.kid}": make a key of its own`)
  }
  return sources
}
