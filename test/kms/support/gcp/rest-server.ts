/**
 * Google Cloud KMS over HTTP and JSON: paths, the JSON form of its messages, and its errors.
 *
 * @see https://cloud.google.com/kms/docs/reference/rest
 * @see https://protobuf.dev/programming-guides/json
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { protos } from '@google-cloud/kms'
import type { Service } from './cloud-kms.ts'
import type { Message } from './key-ring.ts'
import { RpcFault, statuses } from './rpc-fault.ts'

/** Starts the server on a free port of this machine. */
export async function startRestServer(
  service: Service,
): Promise<{ readonly port: number; readonly openCalls: () => number; close(): void }> {
  let open = 0
  const server = createServer((request, response) => {
    open += 1
    response.once('close', () => {
      open -= 1
    })
    answer(service, request).then(
      (message) => send(response, 200, buildJson(message)),
      (error: unknown) => {
        const fault = error instanceof RpcFault ? error : new RpcFault('INTERNAL', String(error))
        const { http: code } = statuses[fault.status]
        const status = { code, message: fault.message, status: fault.status, details: [] }
        send(response, code, { error: status })
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { port, openCalls: () => open, close }
}

const routes: readonly (readonly [method: string, http: string, path: RegExp, field: string])[] = [
  ['listCryptoKeyVersions', 'GET', /^\/v1\/(.+)\/cryptoKeyVersions$/, 'parent'],
  ['getPublicKey', 'GET', /^\/v1\/(.+)\/publicKey$/, 'name'],
  ['asymmetricSign', 'POST', /^\/v1\/(.+):asymmetricSign$/, 'name'],
]

async function answer(service: Service, request: IncomingMessage): Promise<Message> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
  const { $alt: form, ...parameters } = Object.fromEntries(searchParams)
  if (form !== 'json;enum-encoding=int') {
    throw new RpcFault('INVALID_ARGUMENT', `Unsupported output format: ${form}`)
  }
  for (const [method, http, path, field] of routes) {
    const [, name] = path.exec(pathname) ?? []
    if (name === undefined || request.method !== http) continue
    const body = http === 'POST' ? readBody(JSON.parse(await readText(request))) : parameters
    const header = (header: string) => request.headers[header]?.toString()
    return await service.answer({ method, request: { ...body, [field]: name }, header })
  }
  throw new RpcFault('NOT_FOUND', `The requested URL ${pathname} was not found on this server.`)
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

/** Octets are in base64, and numbers of 64 bits are texts. */
function readBody(json: Record<string, unknown>): Message {
  const { data, dataCrc32c, digest, digestCrc32c } = json
  return {
    ...(typeof data === 'string' && { data: Buffer.from(data, 'base64') }),
    ...(typeof dataCrc32c === 'string' && { dataCrc32c: { value: dataCrc32c } }),
    ...(isRecord(digest) && {
      digest: Object.fromEntries(
        Object.entries(digest).map(([hash, value]) => [hash, Buffer.from(String(value), 'base64')]),
      ),
    }),
    ...(typeof digestCrc32c === 'string' && { digestCrc32c: { value: digestCrc32c } }),
  }
}

const { CryptoKeyVersion, ProtectionLevel } = protos.google.cloud.kms.v1

/** The fields that are no plain JSON. What has its default value is left away. */
const writers: Readonly<Record<string, (value: unknown) => unknown>> = {
  state: (value) => Reflect.get(CryptoKeyVersion.CryptoKeyVersionState, String(value)),
  algorithm: (value) => Reflect.get(CryptoKeyVersion.CryptoKeyVersionAlgorithm, String(value)),
  protectionLevel: (value) => Reflect.get(ProtectionLevel, String(value)),
  signature: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : ''),
  signatureCrc32c: (value) => (isRecord(value) ? value['value'] : undefined),
  pemCrc32c: (value) => (isRecord(value) ? value['value'] : undefined),
  createTime: writeTime,
  generateTime: writeTime,
  importTime: writeTime,
}

function buildJson(message: Message): Message {
  const fields = Object.entries(message).map(([name, value]) => {
    if (Array.isArray(value)) return [name, value.filter(isRecord).map(buildJson)]
    return [name, writers[name]?.(value) ?? value]
  })
  return Object.fromEntries(fields.filter(([, value]) => value !== '' && value !== false))
}

function writeTime(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined
  const { seconds, nanos } = value
  const moment = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${moment}.${String(nanos).padStart(9, '0')}Z`
}

function send(response: ServerResponse, status: number, body: Message): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
  response.end(JSON.stringify(body, undefined, 2))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
