/**
 * The option `clientKey` in all its forms.
 *
 * @module
 */

import { KeyObject, type webcrypto } from 'node:crypto'
import { findSimilar } from '../base/compare.ts'
import { type ConfigurationIssue, KeyError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithms } from './algorithms.ts'
import { type KeyMaterial, readJwk, readKeyText } from './key-material.ts'
import { createTimedSigners, type KeySettings, readMoment } from './key-settings.ts'
import { createUriKeySource, isKeyUri } from './key-uri.ts'
import type { KeySource, Signer, TimedSigner } from './signer.ts'
import { createStaticKeySource } from './static-key.ts'

/** A private key, or where it is. */
export type KeyInput =
  | string
  | KeyObject
  | webcrypto.CryptoKey
  | Signer
  | KeySource
  | Readonly<Record<string, unknown>>

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
  const read = (input: unknown, path: string, settings: KeySettings): void => {
    try {
      sources.push(createSource(input, { ...settings, emit: context.emit, path }))
    } catch (error) {
      if (!(error instanceof KeyError)) throw error
      issues.push({ path, message: error.message })
    }
  }
  const { path, defaultRsaAlg } = context
  if (!Array.isArray(value)) {
    read(value, path, { defaultRsaAlg })
    return { sources, issues }
  }
  if (value.length === 0) issues.push({ path, message: 'must hold at least one key' })
  value.forEach((entry: unknown, index) => {
    const place = `${path}[${index}]`
    if (!isEntry(entry)) return read(entry, place, { defaultRsaAlg })
    const settings = readEntry(entry, place, issues)
    read(entry['key'], `${place}.key`, { ...settings, defaultRsaAlg })
  })
  return { sources, issues }
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
    return readMoment(entry[name]) ?? report(name, 'must be a NumericDate, an ISO 8601 date or a Date')
  }
  const notBefore = readTime('notBefore')
  const notAfter = readTime('notAfter')
  if (notBefore !== undefined && notAfter !== undefined && notBefore >= notAfter) {
    report('notAfter', 'must be later than "notBefore"')
  }
  if (kid !== undefined && typeof kid !== 'string') report('kid', 'must be a string')
  return {
    alg:
      alg === undefined || isJwsAlgorithm(alg)
        ? alg
        : report('alg', `must be one of ${jwsAlgorithms.join(', ')}`),
    kid: typeof kid === 'string' ? kid : undefined,
    notBefore,
    notAfter,
  }
}

interface SourceSettings extends KeySettings {
  readonly emit: Emit
  readonly path: string
}

function createSource(input: unknown, settings: SourceSettings): KeySource {
  const name = settings.path
  if (typeof input === 'string') {
    if (isKeyUri(input)) return createUriKeySource(input, settings)
    return fixed(name, createTimedSigners(readKeyText(input), settings))
  }
  if (isObject(input) && typeof input['keys'] === 'function') return restrict(input, settings)
  if (isSigner(input)) {
    const { notBefore, notAfter } = settings
    return fixed(name, [{ signer: input, notBefore, notAfter }])
  }
  return fixed(name, createTimedSigners(readKeyValue(input), settings))
}

const fixed = createStaticKeySource

function readKeyValue(input: unknown): readonly KeyMaterial[] {
  if (input instanceof KeyObject) return [{ key: input }]
  if (isCryptoKey(input)) return [{ key: readCryptoKey(input) }]
  if (isObject(input) && ('kty' in input || 'keys' in input)) return readJwk(input)
  throw new KeyError(
    'ERR_KEY_UNAVAILABLE',
    'must be a URI (file:./key.pem, env:NAME), a PEM, a JWK, a JWK Set, a KeyObject, a CryptoKey, a ' +
      'Signer or a KeySource',
  )
}

function isCryptoKey(input: unknown): input is webcrypto.CryptoKey {
  return isObject(input) && Object.prototype.toString.call(input) === '[object CryptoKey]'
}

function readCryptoKey(key: webcrypto.CryptoKey): KeyObject {
  if (key.type === 'private' && !key.usages.includes('sign')) {
    throw new KeyError('ERR_KEY_UNAVAILABLE', 'is a CryptoKey that may not sign: import it with ["sign"]')
  }
  try {
    return KeyObject.from(key)
  } catch {
    throw new KeyError('ERR_KEY_UNAVAILABLE', 'is a CryptoKey of another implementation than Node\'s own')
  }
}

function isSigner(input: unknown): input is Signer {
  return isObject(input) && typeof input['sign'] === 'function' && isObject(input['publicJwk'])
}

/** A source of somebody else's, held to the times that are configured for it. */
function restrict(source: object, { notBefore, notAfter, path }: SourceSettings): KeySource {
  const theirs = source as KeySource
  return {
    name: theirs.name ?? path,
    async keys() {
      const keys = await theirs.keys()
      return keys.map((key): TimedSigner => ({
        signer: key.signer,
        notBefore: notBefore ?? key.notBefore,
        notAfter: notAfter ?? key.notAfter,
      }))
    },
    async close() {
      await theirs.close?.()
    },
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
