/**
 * Key URIs: where a key is, in one string.
 *
 * A message repeats only what cannot be a secret: people paste keys in places where a name belongs.
 *
 * @module
 */

import { findSimilar } from '../base/compare.ts'
import type { Emit } from '../events.ts'
import { createEnvKeySource, readVariable } from './env-key.ts'
import { createFileKeySource } from './file-key.ts'
import { buildFault, type KeyDeclaration, readInPlace } from './key-material.ts'
import type { KeyPurpose, KeyUse } from './key-purpose.ts'
import { type KeyStoreScheme, keyStores } from './key-stores.ts'
import { readMoment } from './moment.ts'
import { isPem } from './pem.ts'
import type { KeySource } from './signer.ts'
import type { LocalKeySource } from './static-key.ts'
import type { KeyPlace } from './store-key.ts'

const schemes = ['env', 'file', ...Object.keys(keyStores)]
/** The parameters of every URI. */
const parameters = ['alg', 'kid', 'nbf', 'exp']

const keyUri = /^([a-z][a-z0-9+]{0,11}):(?!\s)([^?]*)(?:\?(.*))?$/is

/** Whether a text is meant as a key URI, rather than as the key itself. */
export function isKeyUri(text: string): boolean {
  return keyUri.test(text.trim()) && !isPem(text)
}

/** Splits a text that holds several key URIs, with white space between them; else it is returned alone. */
export function splitKeyUris(text: string): readonly string[] {
  const parts = text.trim().split(/\s+/)
  return parts.length > 1 && parts.every(isKeyUri) ? parts : [text]
}

/**
 * Creates the key source that a URI names.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function createUriKeySource<Alg extends string, Key>(
  uri: string,
  purpose: KeyPurpose<Alg, Key>,
  settings: KeyDeclaration<Alg> & { readonly emit: Emit },
): KeySource<Key> | LocalKeySource<Key> {
  const [, scheme = '', rest = '', query = ''] = keyUri.exec(uri.trim()) ?? []
  const name = scheme.toLowerCase()
  if (!schemes.includes(name)) {
    const similar = findSimilar(name, schemes)
    const hint =
      similar === undefined ? `there are ${schemes.join(':, ')}:` : `did you mean "${similar}:"?`
    throw buildFault(`"${name}:" is not a scheme that is known: ${hint}`)
  }
  // Here "+" is no space: it is in dates, and in names
  const search = new URLSearchParams(query.replaceAll('+', '%2B'))
  const keyStore = keyStores[name]
  if (keyStore) {
    const own = Object.keys(keyStore.parameters)
    const all = { ...settings, ...readParameters(search, purpose, settings, own) }
    const place = readKeyPlace(name, keyStore, rest, search)
    if (all.kid !== undefined && !keyStore.isOneKey(place)) {
      throw buildFault(
        '"kid" names one key for ever: name the version of the key, or the key itself',
      )
    }
    return purpose.createStoreSource(name, place, all)
  }
  const { passphrase, ...others } = readLocalParameters(search, purpose, settings)
  const all = { ...settings, ...others, passphrase }
  if (rest === '') {
    throw buildFault(`"${name}:" names nothing: ${name === 'env' ? 'env:NAME' : 'file:./key.pem'}`)
  }
  if (isKeyItself(rest)) {
    throw buildFault(`"${name}:" is followed by the key itself: leave "${name}:" away`)
  }
  if (name === 'env') return createEnvKeySource(rest, purpose, all)
  return createFileKeySource(readPath(rest), purpose, all)
}

function readKeyPlace(
  scheme: string,
  { store, example, parameters, readPlace }: KeyStoreScheme,
  rest: string,
  search: URLSearchParams,
): KeyPlace {
  const parts = readPlace(rest)
  // The text is not repeated: it may be anything
  if (!parts) throw buildFault(`"${scheme}:" is not followed by a key of ${store}: ${example}`)
  const own = Object.entries(parameters).flatMap(([name, { pattern, form, isRequired }]) => {
    const value = search.get(name)
    if (value === null && !isRequired) return []
    if (value !== null && pattern.test(value)) return [[name, value] as const]
    throw buildFault(`"${name}" must be ${form}`)
  })
  const { wait, ...others } = Object.fromEntries(own)
  const seconds = wait === undefined ? undefined : Number(wait)
  return { name: `${scheme}:${rest}`, parts, wait: seconds, parameters: others }
}

/** A JWK, or the base64 of a PEM, a JWK or DER, by how they begin. */
function isKeyItself(text: string): boolean {
  return /^\s*["']?(?:\{|(?![A-Z0-9_]+$)(?:LS0t|ey|M[A-P])[A-Za-z0-9+/_=\s-]{36,}["']?$)/.test(text)
}

/** file:/abs and file:///abs are the same; file:./rel and file:rel are below the working directory. */
function readPath(rest: string): string {
  const path = decode(rest.replace(/^\/\/(?=\/)/, ''))
  if (!path.startsWith('//')) return path
  throw buildFault('"file:" takes a path on this machine: file:./key.pem, file:///abs/key.pem')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw buildFault('"file:" takes a path as in a URL, where "%" is written "%25"')
  }
}

function readLocalParameters<Alg extends string>(
  query: URLSearchParams,
  use: KeyUse<Alg>,
  settings: KeyDeclaration<Alg>,
): KeyDeclaration<Alg> & { readonly passphrase: string | undefined } {
  const others = readParameters(query, use, settings, ['passphrase'])
  return { ...others, passphrase: readPassphrase(query.get('passphrase')) }
}

function readParameters<Alg extends string>(
  query: URLSearchParams,
  use: KeyUse<Alg>,
  settings: KeyDeclaration<Alg>,
  own: readonly string[],
): KeyDeclaration<Alg> {
  const known = [...parameters, ...own]
  for (const name of query.keys()) {
    if (!known.includes(name)) throw buildFault(describeUnknown(name, known))
    if (query.getAll(name).length > 1) throw buildFault(`has the parameter "${name}" twice`)
  }
  const alg = query.get('alg') ?? undefined
  if (alg !== undefined && !use.isAlgorithm(alg)) {
    throw buildFault(`"alg" must be one of ${use.algorithms.join(', ')}`)
  }
  const kid = query.get('kid') ?? undefined
  if (kid === '') throw buildFault('"kid" must not be empty')
  return {
    alg: settings.alg ?? alg,
    kid: settings.kid ?? kid,
    notBefore: settings.notBefore ?? readTime(query, 'nbf'),
    notAfter: settings.notAfter ?? readTime(query, 'exp'),
  }
}

function describeUnknown(name: string, known: readonly string[]): string {
  if (name === 'pin-value')
    return 'must say where the PIN is (pin-source=file:/path), not what it is'
  const similar = findSimilar(name, known)
  // Without a likeness it may be the rest of a passphrase with "&" in it
  return similar === undefined
    ? `has an unknown parameter: there are ${known.join(', ')}`
    : `has the unknown parameter "${name}": did you mean "${similar}"?`
}

function readTime(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  const moment = readMoment(value)
  if (moment === undefined) {
    throw buildFault(`"${name}" must be a NumericDate (seconds) or an ISO 8601 date with its zone`)
  }
  return moment
}

function readPassphrase(where: string | null): string | undefined {
  if (where === null) return undefined
  const [, variable] = /^env:(\w+)$/.exec(where) ?? []
  if (variable !== undefined) return readInPlace('"passphrase"', () => readVariable(variable))
  throw buildFault('"passphrase" must say where it is (env:NAME), not what it is')
}
