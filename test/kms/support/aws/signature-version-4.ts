/**
 * Verifies the signature of a request to AWS, as the service does.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { AwsFault } from './aws-fault.ts'

/** Who may ask. */
export interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** Whether its session is over. */
  readonly isExpired?: boolean
}

/** What was signed. */
export interface SignedRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What it is verified against. */
export interface Verification {
  readonly identities: readonly Identity[]
  readonly region: string
  readonly service: string
  /** Milliseconds. */
  readonly now: number
}

const maxSkew = 5 * 60_000

const form =
  /^AWS4-HMAC-SHA256 Credential=(?<id>[^/,]+)\/(?<day>\d{8})\/(?<region>[^/,]+)\/(?<service>[^/,]+)\/aws4_request, SignedHeaders=(?<names>[^,]+), Signature=(?<signature>[\da-f]{64})$/

/**
 * Verifies a request and returns who signed it.
 *
 * @throws AwsFault
 */
export function verifySignature(request: SignedRequest, verification: Verification): Identity {
  const { headers } = request
  if (headers.authorization === undefined) {
    throw new AwsFault('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const parts = form.exec(headers.authorization)?.groups
  const moment = readMoment(headers['x-amz-date'])
  if (!parts || moment === undefined) {
    throw new AwsFault('IncompleteSignatureException', 'Authorization header is incomplete.')
  }
  const { id, day = '', region = '', service = '', names = '', signature = '' } = parts
  const scope = [day, region, service, 'aws4_request']
  checkScope(scope, `${headers['x-amz-date']}`, verification)
  checkSkew(moment, verification.now)
  checkSignedHeaders(names.split(';'), headers)
  const identity = verification.identities.find(({ accessKeyId }) => accessKeyId === id)
  if (!identity || identity.sessionToken !== headers['x-amz-security-token']) {
    const message = 'The security token included in the request is invalid.'
    throw new AwsFault('UnrecognizedClientException', message)
  }
  if (identity.isExpired) {
    const message = 'The security token included in the request is expired'
    throw new AwsFault('ExpiredTokenException', message)
  }
  const canonical = buildCanonicalRequest(request, names.split(';'))
  const date = `${headers['x-amz-date']}`
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hash(canonical)].join('\n')
  const key = scope.reduce(hmac, Buffer.from(`AWS4${identity.secretAccessKey}`))
  if (!timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'))) {
    throw new AwsFault('InvalidSignatureException', describeMismatch(canonical, text))
  }
  return identity
}

function checkScope(scope: readonly string[], date: string, expected: Verification): void {
  const [day = '', region, service] = scope
  const fault = (message: string) => new AwsFault('InvalidSignatureException', message)
  if (region !== expected.region) throw fault('Credential should be scoped to a valid region.')
  if (service !== expected.service) {
    throw fault(`Credential should be scoped to correct service: '${expected.service}'.`)
  }
  if (!date.startsWith(day)) {
    throw fault('Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.')
  }
}

function checkSkew(moment: number, now: number): void {
  if (Math.abs(moment - now) <= maxSkew) return
  const when = `${formatMoment(moment)} is now`
  const message =
    moment < now
      ? `Signature expired: ${when} earlier than ${formatMoment(now - maxSkew)}`
      : `Signature not yet current: ${when} later than ${formatMoment(now + maxSkew)}`
  throw new AwsFault('InvalidSignatureException', message)
}

function checkSignedHeaders(names: readonly string[], headers: IncomingHttpHeaders): void {
  const amazon = Object.keys(headers).filter((name) => name.startsWith('x-amz-'))
  const missing = ['host', ...amazon].find((name) => !names.includes(name))
  const isSorted = names.join() === names.toSorted().join()
  if (missing === undefined && isSorted) return
  const message = `'${missing ?? names.join(';')}' must be a 'SignedHeader' in the AWS Authorization.`
  throw new AwsFault('InvalidSignatureException', message)
}

function buildCanonicalRequest(request: SignedRequest, names: readonly string[]): string {
  const { method, path, query, headers, body } = request
  const lines = names.map((name) => `${name}:${`${headers[name]}`.trim().replace(/ +/g, ' ')}`)
  return [method, path, query, ...lines, '', names.join(';'), hash(body)].join('\n')
}

/** As AWS says it at worst: with all that was signed, a session token too. */
function describeMismatch(canonical: string, text: string): string {
  return (
    'The request signature we calculated does not match the signature you provided. Check your AWS ' +
    'Secret Access Key and signing method. Consult the service documentation for details.\n\n' +
    `The Canonical String for this request should have been\n'${canonical}'\n\n` +
    `The String-to-Sign should have been\n'${text}'\n`
  )
}

function readMoment(date: string | string[] | undefined): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(`${date}`)
  if (!parts) return undefined
  const [, year, month, day, hours, minutes, seconds] = parts
  return Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
}

function formatMoment(moment: number): string {
  return new Date(moment).toISOString().replace(/[-:]|\.\d+/g, '')
}

function hash(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
