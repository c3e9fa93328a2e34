/**
 * AWS KMS on the loopback interface: its protocol, its authentication, its keys and its bad days.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { AwsFault } from './aws-fault.ts'
import { createKmsKeys, type KmsKeys, type Parameters } from './kms-keys.ts'
import { type Identity, verifySignature } from './signature-version-4.ts'

/** What goes wrong. */
export type KmsFault = 'throttled' | 'unavailable' | 'hanging' | 'disconnecting'

/** What an answer to `Sign` is made into before it is sent. */
export type Tamper = (answer: ReturnType<KmsKeys['sign']>) => object

/** What was asked. */
export interface KmsRequest {
  readonly operation: string
  readonly parameters: Parameters
}

/** The service. */
export interface KmsServer {
  readonly url: string
  readonly region: string
  readonly keys: KmsKeys
  /** The requests whose signature was right, the latest last. */
  readonly requests: readonly KmsRequest[]
  /** Who may ask. */
  admit(identity: Identity): void
  /** Misbehaves at the next requests: so many of them. */
  misbehave(fault: KmsFault, times: number): void
  /** Sends other answers to `Sign`. */
  tamper(change: Tamper): void
  /** Sets the clock, by milliseconds before or after this machine's. */
  setClock(offset: number): void
  /** Ends all of it. */
  recover(): void
  close(): Promise<void>
}

const faults: Readonly<Record<'throttled' | 'unavailable', AwsFault>> = {
  throttled: new AwsFault('ThrottlingException', 'Rate exceeded'),
  unavailable: new AwsFault('KMSInternalException', 'Internal service error', 500),
}

/** Starts the service, at a port of its own. */
export async function startKmsServer(region: string = 'eu-central-1'): Promise<KmsServer> {
  const keys = createKmsKeys(region)
  const identities: Identity[] = []
  const requests: KmsRequest[] = []
  let fault: { readonly kind: KmsFault; times: number } | undefined
  let change: Tamper | undefined
  let offset = 0

  function findFault(): KmsFault | undefined {
    if (!fault || fault.times <= 0) return undefined
    fault.times--
    return fault.kind
  }

  async function answer(request: IncomingMessage): Promise<object> {
    const body = await buffer(request)
    const { method = '', url = '/', headers } = request
    const [path = '', query = ''] = url.split('?')
    const now = Date.now() + offset
    const signed = { method, path, query, headers, body }
    verifySignature(signed, { identities, region, service: 'kms', now })
    const { operation, parameters } = readOperation(request, body)
    requests.push({ operation, parameters })
    if (operation === 'DescribeKey') return keys.describeKey(parameters)
    if (operation === 'GetPublicKey') return keys.getPublicKey(parameters)
    const result = keys.sign(parameters)
    return change ? change(result) : result
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const kind = findFault()
    if (kind === 'hanging') return
    if (kind === 'disconnecting') {
      request.socket.destroy()
      return
    }
    response.setHeader('x-amzn-requestid', randomUUID())
    response.setHeader('date', new Date(Date.now() + offset).toUTCString())
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    try {
      if (kind) throw faults[kind]
      response.end(JSON.stringify(await answer(request)))
    } catch (error) {
      const { name, message, status } =
        error instanceof AwsFault ? error : new AwsFault('InternalFailure', `${error}`, 500)
      response.statusCode = status
      response.end(JSON.stringify({ __type: name, message }))
    }
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.destroy(new Error(`${error}`)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('it has no port')

  return {
    url: `http://127.0.0.1:${address.port}`,
    region,
    keys,
    requests,
    admit(identity) {
      identities.push(identity)
    },
    misbehave(kind, times) {
      fault = { kind, times }
    },
    tamper(next) {
      change = next
    },
    setClock(next) {
      offset = next
    },
    recover() {
      fault = undefined
      change = undefined
      offset = 0
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function readOperation(request: IncomingMessage, body: Buffer): KmsRequest {
  const { 'x-amz-target': target, 'content-type': type } = request.headers
  const operation = /^TrentService\.(Sign|GetPublicKey|DescribeKey)$/.exec(`${target}`)?.[1]
  if (request.method !== 'POST' || request.url !== '/' || operation === undefined) {
    throw new AwsFault('UnknownOperationException', 'UnknownOperationException')
  }
  const parameters: unknown = type === 'application/x-amz-json-1.1' && JSON.parse(`${body}`)
  if (!isObject(parameters)) throw new AwsFault('SerializationException', 'it is no JSON object')
  return { operation, parameters }
}

function isObject(value: unknown): value is Parameters {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
