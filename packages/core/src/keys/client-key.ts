/**
 * The option `clientKey` in all its forms.
 *
 * @module
 */

import { createPublicKey, KeyObject, type webcrypto } from 'node:crypto'
import { findSimilar } from '../base/compare.ts'
import { type ConfigurationIssue, KeyError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { findMisfit, isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithms } from './algorithms.ts'
import { isCryptoKey, readCryptoKey } from './crypto-key.ts'
import { buildFault, copyPrivateKey, isObject, type KeyMaterial } from './key-material.ts'
import { createTimedSigners, findSharedKid, type KeySettings } from './key-settings.ts'
import { readKeyText } from './key-text.ts'
import { createUriKeySource, isKeyUri, splitKeyUris } from './key-uri.ts'
import { readMoment } from './moment.ts'
import { readJwk } from './private-jwk.ts'
import { pickPublicMembers } from './public-jwk.ts'
import type { KeySource, Signer, TimedSigner } from './signer.ts'
import { createStaticKeySource, type LocalKeySource } from './static-key.ts'

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
  readonly emit: Emit
}

/** The sources that could be made, and what is wrong with the others. */
export interface ReadClientKey {
  readonly sources: readonly KeySource[]
  readonly issues: readonly ConfigurationIssue[]
}

/** Reads the option. Files and variables are read now; a key store is asked when a key is needed. */
export function readClientKey(value: unknown, context: ClientKeyContext): ReadClientKey {
  const sources: KeySource[] = []
  const issues: ConfigurationIssue[] = []
  const known: TimedSigner[] = []
  const read = (input: unknown, path: string, settings: KeySettings): void => {
    try {
      const source = createSource(input, { ...settings, emit: context.emit, path })
      if ('lastRead' in source) checkKids(known, source.lastRead())
      sources.push(source)
    } catch (error) {
      if (!(error instanceof KeyError)) throw error
      issues.push({ path, message: error.message })
    }
  }
  const { path, defaultRsaAlg } = context
  const entries = readEntries(value)
  if (entries === undefined) {
    read(value, path, { defaultRsaAlg })
    return { sources, issues }
  }
  if (entries.length === 0) issues.push({ path, message: 'must hold at least one key' })
  for (const [index, entry] of entries.entries()) {
    const place = `${path}[${index}]`
    if (!isEntry(entry)) {
      read(entry, place, { defaultRsaAlg })
      continue
    }
    const settings = readEntry(entry, place, issues)
    read(entry['key'], `${place}.key`, { ...settings, defaultRsaAlg })
  }
  return { sources, issues }
}

/** The entries of a list, which may also be of URIs in one text; `undefined` of what is no list. */
function readEntries(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  const uris = typeof value === 'string' ? splitKeyUris(value) : []
  return uris.length > 1 ? uris : undefined
}

/** Takes in more keys, none of which may have the `kid` of another one. */
function checkKids(known: TimedSigner[], keys: readonly TimedSigner[]): void {
  const shared = findSharedKid([...known, ...keys])
  if (shared !== undefined) {
    throw buildFault(`has the "kid" "${shared}", which names another key already: choose another`)
  }
  known.push(...keys)
}

function isEntry(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && 'key' in value
}

const entryMembers = ['key', 'alg', 'kid', 'notBefore', 'notAfter']

function readEntry(
  entry: Readonly<Record<string, unknown>>,
  path: string,
  issues: ConfigurationIssue[],
): Omit<KeySettings, 'defaultRsaAlg'> {
  const report = (name: string, message: string) => {
    issues.push({ path: `${path}.${name}`, message })
    return undefined
  }
  for (const name of Object.keys(entry).filter((member) => !entryMembers.includes(member))) {
    const similar = findSimilar(name, entryMembers)
    report(name, `is not an option${similar ? `: did you mean "${similar}"?` : ''}`)
  }
  const { alg, kid } = entry
  const readTime = (name: 'notBefore' | 'notAfter') => {
    if (entry[name] === undefined) return undefined
    const fault = 'must be a NumericDate (seconds), an ISO 8601 date with its zone, or a Date'
    return readMoment(entry[name]) ?? report(name, fault)
  }
  const notBefore = readTime('notBefore')
  const notAfter = readTime('notAfter')
  const isAlg = alg === undefined || isJwsAlgorithm(alg)
  const isKid = kid === undefined || (typeof kid === 'string' && kid !== '')
  const isOrdered = (notBefore ?? Number.NEGATIVE_INFINITY) < (notAfter ?? Number.POSITIVE_INFINITY)
  return {
    alg: isAlg ? alg : report('alg', `must be one of ${jwsAlgorithms.join(', ')}`),
    kid: isKid ? kid : report('kid', 'must be a text'),
    notBefore,
    notAfter: isOrdered ? notAfter : report('notAfter', 'must be later than "notBefore"'),
  }
}

interface SourceSettings extends KeySettings {
  readonly emit: Emit
  readonly path: string
}

function createSource(input: unknown, settings: SourceSettings): KeySource | LocalKeySource {
  const { path } = settings
  if (typeof input === 'string' && isKeyUri(input)) return createUriKeySource(input, settings)
  if (isKeySource(input)) return restrict(input, settings)
  const keys = isSigner(input)
    ? [readSigner(input, settings)]
    : createTimedSigners(readKeyValue(input), settings)
  return createStaticKeySource(path, keys)
}

function readKeyValue(input: unknown): readonly KeyMaterial[] {
  if (typeof input === 'string') return readKeyText(input)
  if (input instanceof KeyObject) return [{ key: copyPrivateKey(input) }]
  if (isCryptoKey(input)) return [readCryptoKey(input)]
  if (isObject(input) && ('kty' in input || 'keys' in input)) return readJwk(input)
  if (isEntry(input)) throw buildFault('is an entry of a list: write [{ key: … }]')
  const typo = isObject(input) && Object.keys(input).find((name) => findSimilar(name, ['key']))
  if (typo) throw buildFault(`has the unknown member "${typo}": did you mean "key"?`)
  throw buildFault(
    'must be a URI (file:./key.pem, env:NAME), a PEM, a JWK, a JWK Set, a KeyObject, a CryptoKey, a ' +
      'Signer or a KeySource',
  )
}

function isSigner(input: unknown): input is Signer {
  return isObject(input) && typeof input['sign'] === 'function' && isObject(input['publicJwk'])
}

/** A signer of somebody else's, which must be what its types say it is. */
function readSigner(signer: Signer, settings: SourceSettings): TimedSigner {
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
  if (misfit !== undefined) throw buildFault(misfit)
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

function checkOwnSettings({ alg, kid }: KeySettings): void {
  if (alg === undefined && kid === undefined) return
  throw buildFault('is a Signer or a KeySource, which has its own "alg" and "kid": leave them away')
}

const later = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)

const earlier = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
