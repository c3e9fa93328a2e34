/**
 * An option that takes keys, in all its forms: one key, or a list of keys with what is to be said about
 * each.
 *
 * @module
 */

import { KeyObject } from 'node:crypto'
import { findSimilar } from '../base/compare.ts'
import { isObject } from '../base/objects.ts'
import { type ConfigurationIssue, KeyError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { isCryptoKey, readCryptoKey } from './crypto-key.ts'
import {
  buildFault,
  copyPrivateKey,
  type KeyDeclaration,
  type KeyMaterial,
} from './key-material.ts'
import type { KeyPurpose, KeyUse } from './key-purpose.ts'
import { findSharedKid } from './key-settings.ts'
import { readKeyText } from './key-text.ts'
import { createUriKeySource, isKeyUri, splitKeyUris } from './key-uri.ts'
import { readMoment } from './moment.ts'
import { readJwk } from './private-jwk.ts'
import type { KeySource, NamedKey } from './signer.ts'
import { createStaticKeySource, type LocalKeySource } from './static-key.ts'

/** The sources that could be made, and what is wrong with the others. */
export interface ReadKeys<Key> {
  readonly sources: readonly KeySource<Key>[]
  /** The keys that are known without asking a key store, as providers know them. */
  readonly known: readonly NamedKey[]
  readonly issues: readonly ConfigurationIssue[]
}

/** What reading such an option takes. */
interface KeyOption<Alg extends string, Key> {
  /** The option's path, for faults. */
  readonly path: string
  readonly purpose: KeyPurpose<Alg, Key>
  readonly emit: Emit
  /**
   * Creates the source of an input of a form that only this option has; `undefined` for any other.
   *
   * @throws KeyError
   */
  createOwnSource(
    input: unknown,
    settings: KeyDeclaration<Alg> & { readonly path: string },
  ): KeySource<Key> | undefined
  /** The forms that it takes, for who gave it something else. */
  readonly forms: string
}

/** Reads the option. Files and variables are read now; a key store is asked when a key is needed. */
export function readKeyOption<Alg extends string, Key>(
  value: unknown,
  option: KeyOption<Alg, Key>,
): ReadKeys<Key> {
  const { path, purpose } = option
  const sources: KeySource<Key>[] = []
  const issues: ConfigurationIssue[] = []
  const known: NamedKey[] = []
  const read = (input: unknown, place: string, settings: KeyDeclaration<Alg>): void => {
    try {
      const source = createSource(input, option, { ...settings, path: place })
      if (isLocal(source)) addKeys(known, source.lastRead().map(purpose.identify))
      sources.push(source)
    } catch (error) {
      if (!(error instanceof KeyError)) throw error
      issues.push({ path: place, message: error.message })
    }
  }
  const entries = readEntries(value)
  if (entries === undefined) {
    read(value, path, {})
    return { sources, known, issues }
  }
  if (entries.length === 0) issues.push({ path, message: 'must hold at least one key' })
  for (const [index, entry] of entries.entries()) {
    const place = `${path}[${index}]`
    if (!isEntry(entry)) {
      read(entry, place, {})
      continue
    }
    const settings = readEntry(entry, purpose, (name, message) => {
      issues.push({ path: `${place}.${name}`, message })
      return undefined
    })
    read(entry['key'], `${place}.key`, settings)
  }
  return { sources, known, issues }
}

/** The entries of a list, which may also be of URIs in one text; `undefined` of what is no list. */
function readEntries(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  const uris = typeof value === 'string' ? splitKeyUris(value) : []
  return uris.length > 1 ? uris : undefined
}

/** Whether the keys of a source are known from the start. */
function isLocal<Key>(source: KeySource<Key> | LocalKeySource<Key>): source is LocalKeySource<Key> {
  return 'lastRead' in source
}

/** Takes in more keys, none of which may have the `kid` of another one. */
function addKeys(known: NamedKey[], keys: readonly NamedKey[]): void {
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

function readEntry<Alg extends string>(
  entry: Readonly<Record<string, unknown>>,
  { isAlgorithm, algorithms }: KeyUse<Alg>,
  report: (name: string, message: string) => undefined,
): KeyDeclaration<Alg> {
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
  const isAlg = alg === undefined || isAlgorithm(alg)
  const isKid = kid === undefined || (typeof kid === 'string' && kid !== '')
  const isOrdered = (notBefore ?? Number.NEGATIVE_INFINITY) < (notAfter ?? Number.POSITIVE_INFINITY)
  return {
    alg: isAlg ? alg : report('alg', `must be one of ${algorithms.join(', ')}`),
    kid: isKid ? kid : report('kid', 'must be a text'),
    notBefore,
    notAfter: isOrdered ? notAfter : report('notAfter', 'must be later than "notBefore"'),
  }
}

function createSource<Alg extends string, Key>(
  input: unknown,
  option: KeyOption<Alg, Key>,
  settings: KeyDeclaration<Alg> & { readonly path: string },
): KeySource<Key> {
  const { purpose, emit } = option
  if (typeof input === 'string' && isKeyUri(input)) {
    return createUriKeySource(input, purpose, { ...settings, emit })
  }
  const own = option.createOwnSource(input, settings)
  if (own) return own
  return createStaticKeySource(settings.path, purpose.build(readKeyValue(input, option), settings))
}

function readKeyValue<Alg extends string>(
  input: unknown,
  { purpose, forms }: { readonly purpose: KeyUse<Alg>; readonly forms: string },
): readonly KeyMaterial<Alg>[] {
  if (typeof input === 'string') return readKeyText(input, purpose)
  if (input instanceof KeyObject) return [{ key: copyPrivateKey(input) }]
  if (isCryptoKey(input)) return [readCryptoKey(input, purpose)]
  if (isObject(input) && ('kty' in input || 'keys' in input)) return readJwk(input, purpose)
  if (isEntry(input)) throw buildFault('is an entry of a list: write [{ key: … }]')
  const typo = isObject(input) && Object.keys(input).find((name) => findSimilar(name, ['key']))
  if (typo) throw buildFault(`has the unknown member "${typo}": did you mean "key"?`)
  throw buildFault(`must be ${forms}`)
}
