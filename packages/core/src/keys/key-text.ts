/**
 * Private keys as text, in the forms that they come in: PEM, JWK, JWK Set, and what environment
 * variables make of them.
 *
 * @module
 */

import { buildFault, type KeyMaterial } from './key-material.ts'
import type { KeyUse } from './key-purpose.ts'
import { describePublicPem, isPem, readPem } from './pem.ts'
import { describePublicJwk, readJwk } from './private-jwk.ts'

/**
 * Reads the text of a PEM, a JWK or a JWK Set; also in quotes, on one line, with literal `\n`, or in
 * base64.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readKeyText<Alg extends string>(
  text: string,
  use: KeyUse<Alg>,
  passphrase?: string,
): readonly KeyMaterial<Alg>[] {
  const plain = unwrap(text)
  if (plain === '') throw buildFault('is empty')
  if (isJson(plain)) return readJson(plain, use)
  if (isPem(plain)) return [{ key: readPem(plain, passphrase) }]
  throw buildFault(
    'is neither a PEM ("-----BEGIN PRIVATE KEY-----"), a JWK or JWK Set ("{…}"), nor base64 of one; ' +
      'a file is named by file:./key.pem, a variable by env:NAME',
  )
}

/** Says what a text is that holds public keys or certificates only; `undefined` when it does not. */
export function describePublicText(text: string): string | undefined {
  const plain = unwrap(text)
  if (isJson(plain)) return describePublicJwk(parseJson(plain))
  return isPem(plain) ? describePublicPem(plain) : undefined
}

/** Undoes what shells, dotenv files and dashboards do to a key. */
function unwrap(text: string): string {
  const plain = unquote(text)
  if (isJson(plain) || isPem(plain)) return plain
  const base64 = plain.replace(/\\+[rn]/g, '')
  if (!/^[A-Za-z0-9+/_=\s-]+$/.test(base64)) return plain
  const decoded = unquote(Buffer.from(base64, 'base64').toString('utf8'))
  return isJson(decoded) || isPem(decoded) ? decoded : plain
}

function unquote(text: string): string {
  return text
    .trim()
    .replace(/^(["'])([\s\S]*)\1$/, '$2')
    .trim()
}

function isJson(text: string): boolean {
  return text.startsWith('{')
}

function readJson<Alg extends string>(text: string, use: KeyUse<Alg>): readonly KeyMaterial<Alg>[] {
  const unescaped = text.replace(/\\+[rn]/g, ' ').replace(/\\+"/g, '"')
  const value = parseJson(text) ?? parseJson(unescaped)
  if (value !== undefined) return readJwk(value, use)
  throw buildFault('looks like JSON and is not: check that nothing is cut off or escaped')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
