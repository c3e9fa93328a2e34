/**
 * Certificates of client keys, for emulators that know a key by one.
 *
 * @module
 */

import { createPrivateKey } from 'node:crypto'
import { generateCertificate } from 'countersign'

/** Makes a certificate that a key has signed for itself, as PEM. */
export function certify(privateKeyPem: string): string {
  const privateKey = createPrivateKey(privateKeyPem)
  return generateCertificate({ privateKey, name: 'app', days: 30, now: Date.now() / 1000 }).pem
}
