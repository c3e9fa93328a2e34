/**
 * Private keys in PEM, also where their line breaks are lost.
 *
 * @see RFC 7468, 2
 *
 * @module
 */

import type { KeyObject } from 'node:crypto'
import { buildFault, readPrivateKey } from './key-material.ts'

/** Whether a text holds a PEM, or begins to. */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN')
}

const label = '[A-Z][A-Z0-9 ]{0,40}'
const block = new RegExp(`-----BEGIN (${label})-----([\\s\\S]*?)-----END \\1-----`, 'g')

const unfit: readonly (readonly [label: RegExp, message: string])[] = [
  [/CERTIFICATE/, 'is a certificate, and the private key that belongs to it is needed'],
  [
    /^OPENSSH PRIVATE KEY$/,
    'is an OpenSSH key: convert a copy of it with "ssh-keygen -p -m PKCS8 -f copy"',
  ],
  [/PUBLIC KEY$/, 'is a public key, and the private key is needed'],
]

/**
 * Reads the one private key of a PEM. Certificates, parameters and text around it are passed over.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readPem(text: string, passphrase: string | undefined): KeyObject {
  const unescaped = restoreBreaks(text)
  const blocks = readBlocks(unescaped)
  const privateKeys = blocks.filter(({ name }) => name.endsWith('PRIVATE KEY'))
  if (privateKeys.length > 1) {
    throw buildFault(
      'is a PEM with several private keys: give each a file of its own, or list them',
    )
  }
  const found = privateKeys[0] ?? blocks[0]
  if (!found) {
    const begun = new RegExp(`-----BEGIN (${label})-----`).exec(unescaped)?.[1] ?? '…'
    throw buildFault(`is a PEM without its end: the "-----END ${begun}-----" is missing`)
  }
  const { name, body } = found
  const message = unfit.find(([pattern]) => pattern.test(name))?.[1]
  if (message !== undefined) throw buildFault(message)
  if (!name.endsWith('PRIVATE KEY')) throw buildFault(`is a "${name}", not a private key`)
  const isEncrypted = name === 'ENCRYPTED PRIVATE KEY' || body.includes('ENCRYPTED')
  if (isEncrypted && passphrase === undefined) {
    throw buildFault('is encrypted: say where the passphrase is (?passphrase=env:NAME)')
  }
  return readPrivateKey(
    { key: fold(name, body), format: 'pem', ...(isEncrypted && { passphrase }) },
    isEncrypted
      ? 'cannot be decrypted: the passphrase is wrong, or the encryption is not supported'
      : `is a damaged PEM: what is between the lines of "${name}" is not such a key`,
  )
}

/** Says what a PEM is in which everything is public; `undefined` when it is not. */
export function describePublicPem(text: string): string | undefined {
  const names = readBlocks(restoreBreaks(text)).map(({ name }) => name)
  // What is cut off or unknown is no reason to pass it over
  if (text.includes('PRIVATE KEY') || !names.every((name) => isPublic.test(name))) return undefined
  if (names.some((name) => name.includes('CERTIFICATE'))) return 'a certificate'
  return names.length > 0 ? 'a public key' : undefined
}

const isPublic = /^(?:(?:X509 |TRUSTED )?CERTIFICATE|(?:RSA )?PUBLIC KEY)$/

interface Block {
  readonly name: string
  readonly body: string
}

function restoreBreaks(text: string): string {
  return text.replace(/\\+r/g, '').replace(/\\+n/g, '\n')
}

function readBlocks(text: string): readonly Block[] {
  return [...text.matchAll(block)].map(([, name = '', body = '']) => ({ name, body }))
}

/** The headers of a PEM that is encrypted the old way. The cipher's vector ends where its digits do. */
const procType =
  /^\s*Proc-Type:\s*4,ENCRYPTED\s*DEK-Info:\s*([A-Z0-9-]+),([0-9A-F]{32}|[0-9A-F]{16})/i

/** A PEM with the line breaks that it should have. @see RFC 7468, 3 @see RFC 1421, 4.6.1.1 */
function fold(name: string, body: string): string {
  const [headers = '', cipher, vector] = procType.exec(body) ?? []
  const base64 = body.slice(headers.length).replace(/[\s\\]+/g, '')
  const lines = base64.match(/.{1,64}/g)?.join('\n') ?? ''
  const top = headers && `Proc-Type: 4,ENCRYPTED\nDEK-Info: ${cipher},${vector}\n\n`
  return `-----BEGIN ${name}-----\n${top}${lines}\n-----END ${name}-----\n`
}
