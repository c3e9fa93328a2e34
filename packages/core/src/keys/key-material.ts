/**
 * Private keys in the forms that they come in (PEM, JWK, JWK Set, and what environment variables make
 * of them), read into key objects.
 *
 * A message names the form that was seen and what to do. It never holds any of the material, which is
 * why the messages of node:crypto and of the JSON parser are not passed on.
 *
 * @module
 */

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { KeyError } from '../errors.ts'
import { isJwsAlgorithm, type JwsAlgorithm } from './algorithms.ts'

/** One private key with what its own form says about it. */
export interface KeyMaterial {
  readonly key: KeyObject
  readonly alg?: JwsAlgorithm | undefined
  readonly kid?: string | undefined
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
}

/**
 * Reads the text of a PEM, a JWK or a JWK Set; also in quotes, on one line, with literal `\n`, or in
 * base64.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readKeyText(text: string, passphrase?: string): readonly KeyMaterial[] {
  const plain = unwrap(text)
  if (plain === '') throw unreadable('is empty')
  if (plain.startsWith('{')) return readJson(plain)
  if (plain.includes('-----BEGIN')) return [{ key: readPem(plain, passphrase) }]
  throw unreadable(
    'is neither a PEM ("-----BEGIN PRIVATE KEY-----"), a JWK or JWK Set ("{…}"), nor base64 of one',
  )
}

/** Undoes what shells, dotenv files and dashboards do to a key. */
function unwrap(text: string): string {
  const trimmed = text
    .trim()
    .replace(/^(["'])([\s\S]*)\1$/, '$2')
    .replace(/\\r/g, '')
    .replace(/\\n/g, '\n')
    .trim()
  if (trimmed.includes('-----BEGIN') || trimmed.startsWith('{')) return trimmed
  if (!/^[A-Za-z0-9+/_=\s-]+$/.test(trimmed)) return trimmed
  const decoded = Buffer.from(trimmed, 'base64').toString('utf8').trim()
  return decoded.includes('-----BEGIN') || decoded.startsWith('{') ? decoded : trimmed
}

const pem = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g

const unfit: readonly (readonly [label: RegExp, message: string])[] = [
  [/^CERTIFICATE/, 'is a certificate, and the private key that belongs to it is needed'],
  [
    /^OPENSSH PRIVATE KEY$/,
    'is an OpenSSH key: convert a copy of it with "ssh-keygen -p -m PKCS8 -f copy"',
  ],
  [/PUBLIC KEY$/, 'is a public key, and the private key is needed'],
]

function readPem(text: string, passphrase: string | undefined): KeyObject {
  const blocks = [...text.matchAll(pem)].map(([, label = '', body = '']) => ({ label, body }))
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY')) ?? blocks[0]
  if (!block) {
    const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
    throw unreadable(`is a PEM without its end: the "-----END ${label ?? '…'}-----" is missing`)
  }
  const { label, body } = block
  const message = unfit.find(([pattern]) => pattern.test(label))?.[1]
  if (message) throw unreadable(message)
  if (!label.endsWith('PRIVATE KEY')) throw unreadable(`is a "${label}", not a private key`)
  const isEncrypted = label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type:\s*4,ENCRYPTED/.test(body)
  if (isEncrypted && passphrase === undefined) {
    throw unreadable('is encrypted: say where the passphrase is (?passphrase=env:NAME)')
  }
  return parsePrivateKey(
    { key: foldPem(label, body), format: 'pem', ...(isEncrypted && { passphrase }) },
    isEncrypted
      ? 'cannot be decrypted: the passphrase is wrong, or the encryption is not supported'
      : `is a damaged PEM: what is between the lines of "${label}" is not such a key`,
  )
}

/** A PEM with the line breaks that it should have. @see RFC 7468, 3 */
function foldPem(label: string, body: string): string {
  // RFC 1421 headers of an encrypted key are lines of their own, then an empty one
  const [, head = ''] = /^\s*((?:[A-Za-z-]+:[ \t]*\S+\s+)+)/.exec(body) ?? []
  const headers = [...head.matchAll(/([A-Za-z-]+):\s*(\S+)/g)].map(([, name, value]) => `${name}: ${value}\n`)
  const base64 = body.slice(body.indexOf(head) + head.length).replace(/\s+/g, '')
  const lines = base64.match(/.{1,64}/g)?.join('\n') ?? ''
  const top = headers.length > 0 ? `${headers.join('')}\n` : ''
  return `-----BEGIN ${label}-----\n${top}${lines}\n-----END ${label}-----\n`
}

function readJson(text: string): readonly KeyMaterial[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw unreadable('looks like JSON and is not: check that nothing is cut off or escaped')
  }
  return readJwk(value)
}

/**
 * Reads a private JWK, or all keys of a private JWK Set that are for signing.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readJwk(value: unknown): readonly KeyMaterial[] {
  if (!isObject(value)) throw unreadable('is JSON, but not a JWK')
  const { keys } = value
  if (keys === undefined) return [readOneJwk(value)]
  if (!Array.isArray(keys)) throw unreadable('is a JWK Set whose "keys" is not a list')
  const forSigning = keys.filter((jwk) => !isObject(jwk) || jwk['use'] !== 'enc')
  if (forSigning.length === 0) throw unreadable('is a JWK Set without a key for signing')
  return forSigning.map((jwk, index) => {
    try {
      return readOneJwk(jwk)
    } catch (error) {
      if (!(error instanceof KeyError)) throw error
      throw unreadable(`key ${index + 1} of the JWK Set ${error.message}`)
    }
  })
}

function readOneJwk(jwk: unknown): KeyMaterial {
  if (!isObject(jwk)) throw unreadable('is not a JWK')
  const { kty, d, alg, kid, nbf, exp } = jwk
  if (kty === 'oct') {
    throw unreadable('is a symmetric JWK ("kty": "oct"), and a private key is needed')
  }
  if (d === undefined) {
    throw unreadable('is a public JWK (it has no "d"), and the private key is needed')
  }
  if (alg !== undefined && !isJwsAlgorithm(alg)) {
    throw unreadable('is a JWK whose "alg" is not a signature algorithm that is supported')
  }
  for (const [name, time] of Object.entries({ nbf, exp })) {
    if (time !== undefined && typeof time !== 'number') {
      throw unreadable(`is a JWK whose "${name}" is not a NumericDate`)
    }
  }
  return {
    key: parsePrivateKey(
      { key: jwk, format: 'jwk' },
      `is a damaged JWK: its members are not those of a private key of type ${JSON.stringify(kty)}`,
    ),
    alg,
    kid: typeof kid === 'string' ? kid : undefined,
    notBefore: typeof nbf === 'number' ? nbf : undefined,
    notAfter: typeof exp === 'number' ? exp : undefined,
  }
}

function parsePrivateKey(input: Parameters<typeof createPrivateKey>[0], message: string): KeyObject {
  try {
    return createPrivateKey(input)
  } catch {
    throw unreadable(message)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(message: string): KeyError {
  return new KeyError('ERR_KEY_UNAVAILABLE', message)
}
