/**
 * The option `clientKey` in all its forms.
 *
 * @module
 */

import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto'
import { isObject } from '../base/objects.ts'
import type { Emit } from '../events.ts'
import type { AcceptedKeys } from './accepted-keys.ts'
import { findMisfit, isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithms } from './algorithms.ts'
import { buildFault, type KeyDeclaration } from './key-material.ts'
import { type ReadKeys, readKeyOption } from './key-option.ts'
import { pickPublicMembers } from './public-jwk.ts'
import type { KeySource, Signer, TimedSigner } from './signer.ts'
import { createSigning } from './signing-keys.ts'
import { createStaticKeySource } from './static-key.ts'

/** A private key, or where it is. */
export type KeyInput =
  | string
  | KeyObject
  | webcrypto.CryptoKey
  | Signer
  | KeySource
  | PrivateJwk
  | { readonly keys: readonly object[] }

/** A private key as a JWK. Closed, so that a misspelled member of an entry does not compile. */
export interface PrivateJwk extends Readonly<webcrypto.JsonWebKey> {
  readonly kty: string
  readonly kid?: string
  /** Not used for signing before. NumericDate. */
  readonly nbf?: number
  /** Neither used nor published from then on. NumericDate. */
  readonly exp?: number
}

/** A key with what is to be said about it. */
export interface KeyEntry {
  readonly key: KeyInput
  readonly alg?: JwsAlgorithm
  readonly kid?: string
  /** Not used for signing before: NumericDate, ISO 8601 or `Date`. */
  readonly notBefore?: number | string | Date
  /** Neither used nor published from then on: NumericDate, ISO 8601 or `Date`. */
  readonly notAfter?: number | string | Date
}

/** What the option `clientKey` may be. */
export type ClientKey = KeyInput | readonly (KeyInput | KeyEntry)[]

/** What reading the option takes. */
export interface ClientKeyContext {
  /** The option's path, for faults. */
  readonly path: string
  readonly defaultRsaAlg: JwsAlgorithm
  /** What the provider accepts, where that is known. */
  readonly accepted?: AcceptedKeys | undefined
  readonly emit: Emit
}

/** Reads the option. */
export function readClientKey(
  value: unknown,
  { path, defaultRsaAlg, accepted, emit }: ClientKeyContext,
): ReadKeys<TimedSigner> {
  return readKeyOption(value, {
    path,
    emit,
    purpose: createSigning(defaultRsaAlg, accepted),
    createOwnSource(input, settings) {
      if (isKeySource(input)) return restrict(input, settings)
      if (!isSigner(input)) return undefined
      return createStaticKeySource(settings.path, [readSigner(input, settings, accepted)])
    },
    forms:
      'a URI (file:./key.pem, env:NAME), a PEM, a JWK, a JWK Set, a KeyObject, a CryptoKey, a ' +
      'Signer or a KeySource',
  })
}

/** Whether this is a signer, or something that hands out signers. */
export function isSignerOrSource(input: unknown): boolean {
  return isSigner(input) || isKeySource(input)
}

type SourceSettings = KeyDeclaration & { readonly path: string }

function isSigner(input: unknown): input is Signer {
  return isObject(input) && typeof input['sign'] === 'function' && isObject(input['publicJwk'])
}

/** A signer of somebody else's, which must be what its types say it is. */
function readSigner(
  signer: Signer,
  settings: SourceSettings,
  accepted: AcceptedKeys | undefined,
): TimedSigner {
  checkOwnSettings(settings)
  if (!isJwsAlgorithm(signer.alg)) {
    throw buildFault(`is a Signer whose "alg" is none of ${jwsAlgorithms.join(', ')}`)
  }
  if (typeof signer.kid !== 'string' || signer.kid === '') {
    throw buildFault('is a Signer without a "kid"')
  }
  if ('d' in signer.publicJwk || 'k' in signer.publicJwk) {
    throw buildFault('is a Signer whose "publicJwk" holds the private key')
  }
  const misfit = findMisfit(readPublicKey(signer), signer.alg)
  const fault = misfit ?? accepted?.findFault(signer)
  if (fault !== undefined) throw buildFault(fault)
  const { notBefore, notAfter } = settings
  return { signer, notBefore, notAfter }
}

function readPublicKey({ publicJwk }: Signer): KeyObject {
  try {
    return createPublicKey({ key: { ...pickPublicMembers(publicJwk) }, format: 'jwk' })
  } catch {
    throw buildFault('is a Signer whose "publicJwk" is not a public JWK')
  }
}

function isKeySource(input: unknown): input is Pick<KeySource, 'keys'> & Partial<KeySource> {
  return isObject(input) && typeof input['keys'] === 'function'
}

/** A source of somebody else's, held to the times that are configured for it. */
function restrict(
  theirs: Pick<KeySource, 'keys'> & Partial<KeySource>,
  settings: SourceSettings,
): KeySource {
  checkOwnSettings(settings)
  const { notBefore, notAfter, path } = settings
  return {
    name: theirs.name ?? path,
    notBefore: later(notBefore, theirs.notBefore),
    async keys(request) {
      const keys = await theirs.keys(request)
      return keys.map(
        (key): TimedSigner => ({
          signer: key.signer,
          notBefore: later(notBefore, key.notBefore),
          notAfter: earlier(notAfter, key.notAfter),
        }),
      )
    },
    async close() {
      await theirs.close?.()
    },
  }
}

function checkOwnSettings({ alg, kid }: KeyDeclaration): void {
  if (alg === undefined && kid === undefined) return
  throw buildFault('is a Signer or a KeySource, which has its own "alg" and "kid": leave them away')
}

const later = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)

const earlier = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
