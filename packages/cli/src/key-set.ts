/**
 * Private JWK Sets in files: the keys, and the time of each.
 *
 * @see RFC 7517, 5
 *
 * @module
 */

import { createPrivateKey } from 'node:crypto'
import { resolve } from 'node:path'
import { ConfigurationError, createRelyingParty, type JwsAlgorithm } from '@countersign/core'
import {
  calculateThumbprint,
  chooseAlgorithm,
  isJwsAlgorithm,
  type PublicJwk,
} from '@countersign/core/keys'
import { CommandError } from './failure.ts'

/** A private JWK. Of its members only these are looked at, and all are kept. */
export interface PrivateJwk {
  readonly [member: string]: unknown
}

/** A private JWK Set. */
export interface KeySet {
  /** Its other members. */
  readonly others: Readonly<Record<string, unknown>>
  readonly keys: readonly SetKey[]
}

/** A key of a set. */
export interface SetKey {
  readonly jwk: PrivateJwk
  readonly kid: string
  /** What it signs as; `undefined` for a key that decrypts. */
  readonly alg: JwsAlgorithm | undefined
  /** Not used for signing before. NumericDate. */
  readonly notBefore: number | undefined
  /** Neither used nor published from then on. NumericDate. */
  readonly notAfter: number | undefined
}

/**
 * Reads a private JWK Set, or a private JWK as a set of one.
 *
 * @throws CommandError for what an app would not take as its `clientKey`; nothing of it is repeated
 */
export function readKeySet(text: string, place: string): KeySet {
  const set = parseKeySet(text, place)
  checkKeySet(set, place)
  return { others: set.others, keys: set.jwks.map(readSetKey) }
}

/** Adds a key at the end of a set, which may be empty. */
export function addKey(set: KeySet | undefined, jwk: PrivateJwk): KeySet {
  return { others: set?.others ?? {}, keys: [...(set?.keys ?? []), readSetKey(jwk)] }
}

/**
 * Writes a set as text.
 *
 * @throws CommandError for what an app would not take
 */
export function buildKeySetText({ others, keys }: KeySet, place: string): string {
  const jwks = keys.map(({ jwk }) => jwk)
  checkKeySet({ others, jwks }, place)
  return `${JSON.stringify({ ...others, keys: jwks }, undefined, 2)}\n`
}

/**
 * Reads where a set is: a path, or a `file:` URI as in `OIDC_CLIENT_KEY`.
 *
 * @throws CommandError for another URI, for parameters, which would change the set's times, and for what
 *   is a key itself; that is not repeated
 */
export function readPlace(place: string, cwd: string): string {
  if (/^\s*[{[]|-----|\n/.test(place)) {
    throw new CommandError(
      'the path of a file is needed, and what is given seems to be a key itself',
    )
  }
  if (place.trim() === '-') {
    throw new CommandError(
      '"-" is no file: private keys are kept in files, such as ./client-key.pem',
    )
  }
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+]+):(.*)$/is.exec(place.trim()) ?? []
  if (scheme === undefined) return resolve(cwd, place)
  if (scheme.toLowerCase() !== 'file') {
    // What it names may be a secret
    throw new CommandError(
      `a key in "${scheme}:" is not a JWK Set in a file: its times are those of its versions, ` +
        'which only its key store changes',
    )
  }
  if (rest.includes('?')) {
    throw new CommandError('a set of keys is named without parameters: file:./keys.json')
  }
  return resolve(cwd, decode(rest.replace(/^\/\/(?=\/)/, '')))
}

/** A path as a `file:` URI: below the working directory where it is there. */
export function buildFileUri(path: string): string {
  const start = path.startsWith('/') || /^[a-z]:/i.test(path) ? '' : './'
  const escaped = path.replace(/[%?#\s"'\\$`]/g, (character) => encodeURIComponent(character))
  return `file:${start}${escaped.replaceAll("'", '%27')}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new CommandError('"file:" takes a path as in a URL, where "%" is written "%25"')
  }
}

interface RawKeySet {
  readonly others: Readonly<Record<string, unknown>>
  readonly jwks: readonly PrivateJwk[]
}

function parseKeySet(text: string, place: string): RawKeySet {
  if (text.includes('-----BEGIN')) {
    throw new CommandError(
      `${place} is a PEM, which has no place for times, and a private JWK Set is needed: "countersign ` +
        'keygen --set keys.json" makes one',
    )
  }
  const value = parseJson(text)
  if (!isObject(value)) throw new CommandError(`${place} is not JSON, and so no JWK Set`)
  if (!('keys' in value)) return { others: {}, jwks: [value] }
  const { keys, ...others } = value
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    throw new CommandError(`${place} is JSON, but no JWK Set: its "keys" is not a list of keys`)
  }
  return { others, jwks: keys }
}

/** The parser's own message would repeat what it read. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Asks the core, as an app would at its start. */
function checkKeySet({ jwks }: RawKeySet, place: string): void {
  try {
    createRelyingParty({
      issuer: 'https://op.example',
      clientId: 'keys',
      clientKey: { keys: jwks },
      baseUrl: 'https://app.example',
      session: { secret: 'of a Relying Party that looks at keys and at nothing else' },
    })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const [message] = error.issues.map((issue) => issue.message)
    throw new CommandError(`${place}: ${message}`)
  }
}

function readSetKey(jwk: PrivateJwk): SetKey {
  const { kid, nbf, exp } = jwk
  return {
    jwk,
    kid: typeof kid === 'string' ? kid : calculateThumbprint(jwk as unknown as PublicJwk),
    alg: isForEncryption(jwk) ? undefined : readAlg(jwk),
    notBefore: typeof nbf === 'number' ? nbf : undefined,
    notAfter: typeof exp === 'number' ? exp : undefined,
  }
}

/** What the core leaves to `decryptionKey`, of keys that it takes. */
function isForEncryption({ use, alg, key_ops: operations }: PrivateJwk): boolean {
  if (use === 'enc' || (Array.isArray(operations) && !operations.includes('sign'))) return true
  return alg !== undefined && !isJwsAlgorithm(alg)
}

function readAlg(jwk: PrivateJwk): JwsAlgorithm | undefined {
  const { alg } = jwk
  if (isJwsAlgorithm(alg)) return alg
  return chooseAlgorithm(createPrivateKey({ key: { ...jwk }, format: 'jwk' }), 'RS256')
}
