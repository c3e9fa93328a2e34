/**
 * Google Cloud KMS over gRPC, with the vendor's own definition of its messages, on a real TLS socket.
 *
 * @module
 */

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { load } from '@grpc/proto-loader'
import type { Certificate } from '../certificate.ts'
import type { Service } from './cloud-kms.ts'
import type { Message } from './key-ring.ts'
import { RpcFault, statuses } from './rpc-fault.ts'

const methods = ['listCryptoKeyVersions', 'getPublicKey', 'asymmetricSign']

/** Starts the server on a free port of this machine. */
export async function startGrpcServer(
  service: Service,
  { key, cert }: Certificate,
): Promise<{ readonly port: number; readonly openCalls: () => number; close(): void }> {
  const server = new Server()
  const open = new Set<object>()
  const handlers = methods.map((method) => [method, createHandler(service, method, open)] as const)
  server.addService((await loadService()).service, Object.fromEntries(handlers))
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) },
  ])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return { port, openCalls: () => open.size, close: () => server.forceShutdown() }
}

function createHandler(service: Service, method: string, open: Set<object>) {
  return (call: ServerUnaryCall<Message, Message>, reply: sendUnaryData<Message>) => {
    open.add(call)
    call.once('cancelled', () => open.delete(call))
    const header = (name: string) => call.metadata.get(name)[0]?.toString()
    const answering = service.answer({ method, request: call.request, header })
    answering
      .finally(() => open.delete(call))
      .then(
        (answer) => reply(null, answer),
        (error: unknown) => {
          const fault = error instanceof RpcFault ? error : new RpcFault('INTERNAL', String(error))
          reply({ code: statuses[fault.status].grpc, details: fault.message })
        },
      )
  }
}

/** Loads the definition that is in the vendor's package, and the common ones that it refers to. */
async function loadService(): Promise<ServiceClientConstructor> {
  const require = createRequire(import.meta.url)
  const kms = require.resolve('@google-cloud/kms')
  const gax = createRequire(kms).resolve('google-gax')
  const definition = await load('google/cloud/kms/v1/service.proto', {
    longs: String,
    enums: String,
    oneofs: true,
    includeDirs: [kms, gax].map((path) => join(dirname(path), '../protos')),
  })
  const found = ['google', 'cloud', 'kms', 'v1', 'KeyManagementService'].reduce<unknown>(
    (place, name) => (isRecord(place) ? place[name] : undefined),
    loadPackageDefinition(definition),
  )
  if (!isService(found)) throw new TypeError('the definition of the service was not found')
  return found
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isService(value: unknown): value is ServiceClientConstructor {
  return typeof value === 'function' && 'service' in value
}
