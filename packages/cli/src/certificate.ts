/**
 * Self-signed X.509 certificates, for providers that know a public key by one.
 *
 * Such a certificate proves nothing: it is the form in which the provider takes the key.
 *
 * @see RFC 5280, 4.1
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from '@peculiar/asn1-x509'
import { CommandError } from './failure.ts'

/** A certificate, and the names that providers give it. */
export interface GeneratedCertificate {
  readonly pem: string
  /** Base64url. @see RFC 7515, 4.1.8 */
  readonly sha256: string
  /** Hexadecimal, in capitals, as dashboards show it. */
  readonly sha1: string
  /** NumericDate. */
  readonly notAfter: number
}

/** Seconds by which the provider's clock may be behind ours. */
const clockTolerance = 300

/** @see RFC 5280, A.1: ub-common-name */
const maxName = 64

/** An algorithm of certificates: its identifier, whether NULL follows it, and its digest. */
interface CertificateAlgorithm {
  readonly identifier: string
  readonly hasNull?: boolean
  readonly digest: string | null
}

/** For RSA never PSS: whatever the key signs later, every provider reads a certificate like this. */
const algorithms: Readonly<Record<string, CertificateAlgorithm>> = {
  rsa: { identifier: '1.2.840.113549.1.1.11', hasNull: true, digest: 'sha256' },
  prime256v1: { identifier: '1.2.840.10045.4.3.2', digest: 'sha256' },
  secp384r1: { identifier: '1.2.840.10045.4.3.3', digest: 'sha384' },
  secp521r1: { identifier: '1.2.840.10045.4.3.4', digest: 'sha512' },
  ed25519: { identifier: '1.3.101.112', digest: null },
}

/**
 * Generates a certificate for a key.
 *
 * @throws CommandError for a name that does not fit
 */
export function generateCertificate({
  privateKey,
  name,
  days,
  now,
}: {
  readonly privateKey: KeyObject
  /** The common name of its subject. */
  readonly name: string
  readonly days: number
  readonly now: number
}): GeneratedCertificate {
  if (name.length === 0 || name.length > maxName) {
    throw new CommandError(
      `the name of a certificate has at most ${maxName} characters, and this one has ` +
        `${name.length}: choose one with --name`,
    )
  }
  const { digest, ...algorithm } = findAlgorithm(privateKey)
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const subject = buildName(name)
  const signature = new AlgorithmIdentifier({
    algorithm: algorithm.identifier,
    ...(algorithm.hasNull && { parameters: null }),
  })
  const notAfter = Math.floor(now) + days * 86_400
  const tbsCertificate = new TBSCertificate({
    // Version 3
    version: 2,
    serialNumber: generateSerialNumber(),
    signature,
    issuer: subject,
    subject,
    validity: new Validity({
      notBefore: new Date((Math.floor(now) - clockTolerance) * 1000),
      notAfter: new Date(notAfter * 1000),
    }),
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    extensions: buildExtensions(spki),
  })
  const signed = Buffer.from(AsnConvert.serialize(tbsCertificate))
  const signatureValue = new Uint8Array(sign(digest, signed, privateKey)).buffer
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: signature,
    signatureValue,
  })
  const der = Buffer.from(AsnConvert.serialize(certificate))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return {
    pem: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    sha256: createHash('sha256').update(der).digest('base64url'),
    sha1: createHash('sha1').update(der).digest('hex').toUpperCase(),
    notAfter,
  }
}

function findAlgorithm({
  asymmetricKeyType,
  asymmetricKeyDetails,
}: KeyObject): CertificateAlgorithm {
  const found = algorithms[asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? '']
  if (!found) throw new TypeError(`no certificate of a key of type ${asymmetricKeyType}`)
  return found
}

function buildName(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName })
  return new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: '2.5.4.3', value })]),
  ])
}

/** Positive, and not zero. @see RFC 5280, 4.1.2.2 */
function generateSerialNumber(): ArrayBuffer {
  const serial = new Uint8Array(randomBytes(16))
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial.buffer
}

function buildExtensions(spki: Buffer): Extensions {
  const { subjectPublicKey } = AsnConvert.parse(spki, SubjectPublicKeyInfo)
  // RFC 5280, 4.2.1.2 (1)
  const keyIdentifier = createHash('sha1').update(Buffer.from(subjectPublicKey)).digest()
  const extensions: readonly (readonly [string, boolean, unknown])[] = [
    [id_ce_basicConstraints, true, new BasicConstraints({ cA: false })],
    [id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)],
    [id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(new Uint8Array(keyIdentifier))],
  ]
  return new Extensions(
    extensions.map(([extnID, critical, value]) => {
      const extnValue = new OctetString(AsnConvert.serialize(value))
      return new Extension({ extnID, critical, extnValue })
    }),
  )
}
