/**
 * Why a host cannot be reached, by the codes of Node and OpenSSL: what they mean, and what to do.
 *
 * @module
 */

import { isObject } from './untrusted.ts'

/** A failure in words. */
export interface NetworkFailure {
  readonly code: string | undefined
  /** After "… cannot be reached: ". */
  readonly seen: string
  readonly means: string
  readonly fix: string
}

type Words = Omit<NetworkFailure, 'code'>

const privateAuthority: Words = {
  seen: 'its certificate is not from an authority that is trusted here',
  means: 'The server has a certificate of a private authority, or something between reads along.',
  fix: 'Set NODE_EXTRA_CA_CERTS to the PEM file of that authority, for the app as well.',
}

const unknownName: Words = {
  seen: 'its host name is not known',
  means: 'The name is misspelt, or this machine cannot ask its DNS: there may be no network.',
  fix: 'Compare the host name letter by letter, and look it up from this machine.',
}

const noWay: Words = {
  seen: 'there is no way to its network',
  means: 'This machine has no network, or no route to that host.',
  fix: 'Look at the network, the VPN and the container that this runs in.',
}

const noAnswer: Words = {
  seen: 'there was no answer in time',
  means: 'A firewall may drop the packets without a word, or the server is very slow.',
  fix: 'Look at firewalls and proxies on the way. --timeout gives it more seconds.',
}

const noTls: Words = {
  seen: 'it does not speak TLS',
  means: 'The URL is https, and the server behind that port speaks something else: plain http.',
  fix: 'Correct the port or the scheme.',
}

const closed: Words = {
  seen: 'the connection was closed without an answer',
  means: 'The server, or something before it, hung up: perhaps it wants another protocol.',
  fix: 'Look at the log of the server and of what stands before it.',
}

const failures: Readonly<Record<string, Words>> = {
  ENOTFOUND: unknownName,
  EAI_AGAIN: unknownName,
  EHOSTUNREACH: noWay,
  ENETUNREACH: noWay,
  EADDRNOTAVAIL: noWay,
  ETIMEDOUT: noAnswer,
  ECONNREFUSED: {
    seen: 'the connection was refused',
    means: 'Nobody listens at that address and port.',
    fix: 'Look whether the server runs, and compare host and port.',
  },
  ECONNRESET: closed,
  EPIPE: closed,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: privateAuthority,
  UNABLE_TO_GET_ISSUER_CERT: privateAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: privateAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: privateAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    seen: 'its certificate comes without the ones above it',
    means:
      'The server does not send its intermediate certificates, or they are of a private authority.',
    fix: 'Have the server send its full chain; else set NODE_EXTRA_CA_CERTS to what is missing.',
  },
  CERT_HAS_EXPIRED: {
    seen: 'its certificate has expired',
    means: 'The certificate was not renewed in time, or the clock of this machine is wrong.',
    fix: 'Compare the clock; else tell those who run the server.',
  },
  CERT_NOT_YET_VALID: {
    seen: 'its certificate is not valid yet',
    means: 'The clock of this machine is behind.',
    fix: 'Set the clock by NTP.',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    seen: 'its certificate is for another host name',
    means: 'The host is misspelt, or the server has no certificate for this name.',
    fix: 'Compare the host name with those of the certificate.',
  },
}

/** Describes why a connection failed. */
export function describeNetworkFailure(error: unknown): NetworkFailure {
  const code = readCode(error)
  const known = code === undefined ? undefined : failures[code]
  if (known) return { code, ...known }
  const message =
    error instanceof Error && error.message !== '' ? error.message : (code ?? 'failed')
  return {
    code,
    seen: message,
    means: 'The request failed on its way.',
    fix: 'Ask for the same URL with curl -v from this machine, and compare.',
  }
}

/** The code of an error, or of what caused it. */
export function readCode(error: unknown): string | undefined {
  for (let each = error, depth = 0; isObject(each) && depth < 5; depth++) {
    const { code } = each
    if (typeof code === 'string' && !/^ERR_(PROVIDER|DISCOVERY|JWKS)/.test(code)) return code
    each = each['cause']
  }
  return undefined
}
