/**
 * X.509 certificates of client keys, for providers that know a key by its certificate.
 *
 * A certificate belongs to one key. So none is named for a key: of those that are there, the one whose
 * public key is the signing key's is used, and a rotation brings a new pair.
 *
 * @see RFC 7515, 4.1.6–4.1.8
 *
 * @module
 */

import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { KeyError } from '../errors.ts'
import { readVariable } from './env-key.ts'
import { buildFault } from './key-material.ts'
import type { NamedKey } from './signer.ts'

/** The header parameters for a certificate. */
export type CertificateHeader = 'x5t#S256' | 'x5t' | 'x5c'

/** The certificates of one Relying Party. */
export interface Certificates {
  /**
   * Builds the header parameter that names a key's certificate. A file is read again where no
   * certificate is the key's.
   *
   * @throws KeyError when there is no certificate for the key
   */
  buildHeader(key: NamedKey, name: CertificateHeader): Readonly<Record<string, unknown>>
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Reads certificates: PEM texts, or where they are (`file:./client.crt`, `env:NAME`).
 *
 * @throws KeyError
 */
export function createCertificates(places: readonly string[], clock: Clock): Certificates {
  const readAll = () => places.flatMap(readCertificates)
  let known = readAll()

  /** The one that began last of those whose time it is. */
  function find({ publicJwk }: NamedKey): X509Certificate | undefined {
    const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
    const now = clock.now() * 1000
    const own = known.filter(({ publicKey }) => publicKey.equals(key))
    const begun = own.filter(({ validFrom }) => Date.parse(validFrom) <= now)
    const valid = begun.filter(({ validTo }) => Date.parse(validTo) > now)
    const best = [valid, begun, own].find((some) => some.length > 0) ?? []
    return best.toSorted((a, b) => Date.parse(b.validFrom) - Date.parse(a.validFrom))[0]
  }

  return {
    buildHeader(key, name) {
      let certificate = find(key)
      if (!certificate) {
        known = readAll()
        certificate = find(key)
      }
      if (certificate) return { [name]: buildParameter(certificate, name) }
      const message =
        `there is no certificate for the key "${key.kid}", and the provider knows keys by their ` +
        'certificates: add it to "assertion.certificate" (OIDC_CLIENT_CERT)'
      throw new KeyError('ERR_KEY_UNAVAILABLE', message, { kid: key.kid, reason: 'not-found' })
    },
  }
}

function buildParameter({ raw }: X509Certificate, name: CertificateHeader): unknown {
  if (name === 'x5c') return [raw.toString('base64')]
  // The digest of the bytes, not of the text in hexadecimal that tools show
  return createHash(name === 'x5t' ? 'sha1' : 'sha256')
    .update(raw)
    .digest('base64url')
}

function readCertificates(place: string): readonly X509Certificate[] {
  const pems = readPlace(place.trim()).match(pemCertificate) ?? []
  if (pems.length === 0) {
    throw buildFault('holds no certificate: a PEM begins with -----BEGIN CERTIFICATE-----')
  }
  return pems.map((pem) => {
    try {
      return new X509Certificate(pem)
    } catch {
      throw buildFault('holds a certificate that cannot be read')
    }
  })
}

function readPlace(place: string): string {
  if (place.startsWith('env:')) return readVariable(place.slice(4)).replaceAll('\\n', '\n')
  if (!place.startsWith('file:')) return place.replaceAll('\\n', '\n')
  const path = resolve(place.slice(5).replace(/^\/\/(?=\/)/, ''))
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw buildFault(`${path} cannot be read (${code})`)
  }
}
