/**
 * Key URIs: where a key is, in one string.
 *
 * @module
 */

import { findSimilar } from '../base/compare.ts'
import { KeyError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { isJwsAlgorithm, jwsAlgorithms } from './algorithms.ts'
import { createFileKeySource } from './file-key.ts'
import { type KeySettings, readMoment } from './key-settings.ts'
import type { KeySource } from './signer.ts'
import { createEnvKeySource } from './static-key.ts'

const keyStores = ['awskms', 'gcpkms', 'azurekms', 'hashivault', 'pkcs11']
const schemes = ['env', 'file', ...keyStores]
const parameters = ['alg', 'kid', 'nbf', 'exp', 'passphrase']

/** Whether a text is meant as a key URI, rather than as the key itself. */
export function isKeyUri(text: string): boolean {
  return /^\s*[a-z][a-z0-9+]*:(?!\s)/i.test(text) && !text.includes('-----BEGIN')
}

/**
 * Creates the key source that a URI names.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function createUriKeySource(
  uri: string,
  settings: KeySettings & { readonly emit: Emit },
): KeySource {
  const [, scheme = '', rest = '', query = ''] =
    /^\s*([a-z0-9+]+):([^?]*)(?:\?(.*))?$/is.exec(uri.trim()) ?? []
  const name = scheme.toLowerCase()
  if (keyStores.includes(name)) {
    throw fault(`"${name}:" keys need a key store that this version does not have`)
  }
  if (!schemes.includes(name)) {
    const similar = findSimilar(name, schemes)
    throw fault(
      `"${name}:" is not a scheme that is known${similar ? `: did you mean "${similar}:"?` : ': there are env: and file:'}`,
    )
  }
  const all = { ...settings, ...readParameters(new URLSearchParams(query), settings) }
  if (rest === '') throw fault(`"${name}:" names nothing: ${name === 'env' ? 'env:NAME' : 'file:./key.pem'}`)
  if (name === 'env') return createEnvKeySource(rest, all)
  // file:/abs and file:///abs are the same; file:./rel and file:rel are below the working directory
  const path = decodeURIComponent(rest.replace(/^\/\/(?=\/)/, ''))
  if (path.startsWith('//')) throw fault('"file:" takes a path on this machine: file:./key.pem, file:///abs')
  return createFileKeySource(path, all)
}

function readParameters(
  query: URLSearchParams,
  settings: KeySettings,
): Partial<KeySettings> & { readonly passphrase?: string | undefined } {
  for (const name of query.keys()) {
    if (parameters.includes(name)) continue
    const similar = findSimilar(name, parameters)
    throw fault(
      `has the unknown parameter "${name}"${similar ? `: did you mean "${similar}"?` : `: there are ${parameters.join(', ')}`}`,
    )
  }
  const alg = settings.alg ?? query.get('alg') ?? undefined
  if (alg !== undefined && !isJwsAlgorithm(alg)) {
    throw fault(`has the unknown "alg" "${alg}": there are ${jwsAlgorithms.join(', ')}`)
  }
  return {
    alg,
    kid: settings.kid ?? query.get('kid') ?? undefined,
    notBefore: settings.notBefore ?? readTime(query, 'nbf'),
    notAfter: settings.notAfter ?? readTime(query, 'exp'),
    passphrase: readPassphrase(query.get('passphrase')),
  }
}

function readTime(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  const moment = readMoment(value)
  if (moment === undefined) throw fault(`"${name}" must be a NumericDate or an ISO 8601 date`)
  return moment
}

function readPassphrase(where: string | null): string | undefined {
  if (where === null) return undefined
  const [, variable] = /^env:(\w+)$/.exec(where) ?? []
  if (variable === undefined) throw fault('"passphrase" must say where it is (env:NAME), not what it is')
  const passphrase = process.env[variable]
  if (passphrase === undefined) throw fault(`"passphrase" names ${variable}, which is not set`)
  return passphrase
}

function fault(message: string): KeyError {
  return new KeyError('ERR_KEY_UNAVAILABLE', message)
}
