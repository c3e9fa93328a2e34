/**
 * What is said of a key that was made: where its private half is, and where its public half goes. The
 * private half itself is never shown.
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import type { GeneratedCertificate } from './certificate.ts'
import { describeMoment } from './duration.ts'
import type { Environment } from './environment.ts'
import type { GeneratedKey } from './generated-key.ts'
import { buildFileUri } from './key-set.ts'
import type { KeyState } from './key-states.ts'
import { escapeControls, type Paint } from './paint.ts'
import { describeRegistration, findJwksUrl, isCertificateNeeded } from './registration.ts'

/** A key that was made. */
export interface MadeKey {
  readonly key: GeneratedKey
  readonly preset: Preset | undefined
  readonly environment: Environment
  readonly path: string
  readonly isSet: boolean
  /** What it does in its set. */
  readonly state: KeyState
  readonly certificate: (GeneratedCertificate & { readonly path: string }) | undefined
}

/** Builds what people read. */
export function buildText(made: MadeKey, paint: Paint): string {
  const { key, preset, path, isSet, certificate } = made
  const what = `A new private key for ${key.alg} is in ${escapeControls(path)}`
  const access = isSet ? '' : ' (mode 0600)'
  const { heading, steps, source } = describeRegistration({
    ...made,
    certificate: certificate?.path,
  })
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['Public key', key.publicPem.trim().split('\n')],
    ['JWK Set', [JSON.stringify({ keys: [key.publicJwk] })]],
    ...(certificate ? [['Certificate', describeCertificate(certificate, preset)] as const] : []),
    ['In the environment of the app', describeVariables(made)],
    [heading, [...steps, ...(source === undefined ? [] : [paint.dim(source)])]],
    ['Then', ['npx countersign doctor']],
  ]
  return [
    `${what}${access}. Keep it to yourself: not in the repository, not in a mail.`,
    ...describeStanding(made, paint),
    ...sections.flatMap(([title, lines]) => ['', paint.bold(escapeControls(title)), ...lines]),
    '',
  ].join('\n')
}

/** Builds what programs read. */
export function buildJson(made: MadeKey): string {
  const { key, preset, path, isSet, state, certificate, environment } = made
  const { steps, source } = describeRegistration({ ...made, certificate: certificate?.path })
  const value = {
    alg: key.alg,
    kid: key.kid,
    ...(isSet ? { set: path, state } : { privateKey: path }),
    publicKey: key.publicPem,
    jwks: { keys: [key.publicJwk] },
    ...(certificate && {
      certificate: {
        path: certificate.path,
        pem: certificate.pem,
        'x5t#S256': certificate.sha256,
        sha1: certificate.sha1,
        notAfter: certificate.notAfter,
      },
    }),
    environment: buildVariables(made),
    registration: {
      ...(preset && { provider: preset.name, where: preset.registration.where }),
      forms: preset?.registration.forms ?? ['jwks_uri', 'jwks', 'pem', 'certificate'],
      jwksUrl: findJwksUrl(environment),
      steps,
      ...(source !== undefined && { source }),
    },
  }
  return `${escapeControls(JSON.stringify(value, undefined, 2))}\n`
}

function describeStanding({ isSet, state }: MadeKey, paint: Paint): readonly string[] {
  if (!isSet || state === 'signs') return []
  return [
    paint.yellow(
      'Another key of the set signs, and goes on signing. For one that takes over at a certain time: ' +
        'countersign keys rotate',
    ),
  ]
}

function describeCertificate(
  { path, sha1, sha256, notAfter }: GeneratedCertificate & { readonly path: string },
  preset: Preset | undefined,
): readonly string[] {
  const uri = escapeControls(buildFileUri(path))
  return [
    `In ${escapeControls(path)}, until ${describeMoment(notAfter)}`,
    `Thumbprint (SHA-1, as dashboards show it): ${sha1}`,
    `x5t#S256: ${sha256}`,
    ...(preset ? [] : [`Where assertions must name it: OIDC_CLIENT_CERT=${uri}`]),
  ]
}

function describeVariables(made: MadeKey): readonly string[] {
  return Object.entries(buildVariables(made)).map(([name, value]) =>
    /^[\w./:-]+$/.test(value) ? `${name}=${value}` : `${name}="${escapeControls(value)}"`,
  )
}

/** The variables that make an app use the key. */
function buildVariables({
  key,
  preset,
  path,
  isSet,
  certificate,
}: MadeKey): Readonly<Record<string, string>> {
  const uri = buildFileUri(path)
  const isImplied = isSet || findDefaultAlgorithm(key, preset) === key.alg
  return {
    ...(preset && { OIDC_PROVIDER: preset.name }),
    OIDC_CLIENT_KEY: isImplied ? uri : `${uri}?alg=${key.alg}`,
    ...(certificate &&
      isCertificateNeeded(preset) && { OIDC_CLIENT_CERT: buildFileUri(certificate.path) }),
  }
}

/** What a PEM is taken for that nothing names an algorithm for. */
function findDefaultAlgorithm({ alg }: GeneratedKey, preset: Preset | undefined): string {
  if (alg === 'Ed25519') return 'EdDSA'
  if (!/^[RP]S/.test(alg)) return alg
  return preset?.assertion?.algs.find((accepted) => /^[RP]S/.test(accepted)) ?? 'RS256'
}
