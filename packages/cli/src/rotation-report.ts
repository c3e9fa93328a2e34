/**
 * What is to be done about a rotation, and until when.
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import { describeDuration, describeMoment } from './duration.ts'
import type { Environment } from './environment.ts'
import type { GeneratedKey } from './generated-key.ts'
import { buildFileUri } from './key-set.ts'
import { escapeControls, type Paint } from './paint.ts'
import { describeRegistration, findJwksUrl, readsJwksUrl } from './registration.ts'
import type { Rotation, RotationTimes } from './rotation.ts'
import { shorten } from './timeline.ts'

/** A rotation that was made. */
export interface MadeRotation {
  readonly key: GeneratedKey
  readonly rotation: Rotation
  readonly times: RotationTimes
  readonly preset: Preset | undefined
  readonly environment: Environment
  /** The path of the new key's certificate, where one was made. */
  readonly certificate: string | undefined
}

/** Seconds that a JWK Set may be cached for, with what an app itself remembers of its keys. */
const cachedFor = 600

/** Says what to do before the new key signs, and after. */
export function describeRotation(made: MadeRotation, paint: Paint): string {
  const { key, rotation, preset, environment } = made
  const { pruned } = rotation
  const isRead = readsJwksUrl(preset)
  const url = findJwksUrl(environment)
  const deadline = describeMoment(made.times.start)
  const isHandwork = isRead !== true
  const { heading, steps, source } = describeRegistration(made, 'below')
  return [
    ...describeHurry(made, paint),
    ...(isRead === false
      ? []
      : [
          `${paint.bold('Where the provider reads the JWK Set of the app')} (${url})`,
          'Nothing is left to do: it is read again without a restart, and the new key is published now.',
          '',
        ]),
    ...(isHandwork
      ? [
          paint.bold(`Before ${deadline}${preset ? '' : ', where keys are registered by hand'}`),
          `${preset ? `${heading}. ` : ''}Register the new key beside the old one:`,
          ...(preset ? steps : ['Paste its JWK Set, or its public key.']),
          '',
          ...key.publicPem.trim().split('\n'),
          JSON.stringify({ keys: [key.publicJwk] }),
          ...(source === undefined ? [] : [paint.dim(source)]),
          ...describeCertificate(made),
          '',
          paint.bold(`After ${describeMoment(made.times.end)}`),
          'Remove the old key there.',
          '',
        ]
      : []),
    ...(pruned.length > 0
      ? [`Dropped: ${pruned.map(({ kid }) => shorten(kid)).join(', ')}`, '']
      : []),
  ].join('\n')
}

function describeHurry({ times }: MadeRotation, paint: Paint): readonly string[] {
  const wait = times.start - times.now
  const overlap = times.end - times.start
  const lines = [
    ...(wait < cachedFor
      ? [
          `The new key signs in ${describeDuration(wait)}. Whoever has cached the JWK Set may not know ` +
            'it by then, and answers invalid_client: --in 24h is a safe choice.',
        ]
      : []),
    ...(overlap < cachedFor
      ? [
          `The old key is published for ${describeDuration(overlap)} after that. A replica whose clock ` +
            'is behind may still sign with it: --overlap 1h is a safe choice.',
        ]
      : []),
  ]
  return lines.length > 0 ? [...lines.map(paint.yellow), ''] : []
}

function describeCertificate({ certificate }: MadeRotation): readonly string[] {
  if (certificate === undefined) return []
  const uri = escapeControls(buildFileUri(certificate))
  return [
    '',
    `Its certificate is ${escapeControls(certificate)}: add it to OIDC_CLIENT_CERT (${uri}).`,
  ]
}
