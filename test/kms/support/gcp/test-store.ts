/**
 * Google Cloud KMS for the tests: one key ring, both of its transports, and the vendor's client for each.
 *
 * @module
 */

import type { JwsAlgorithm, KeySource } from '@countersign/core/keys'
import { type GoogleKmsOptions, googleKms } from '@countersign/kms/gcp'
import { KeyManagementServiceClient } from '@google-cloud/kms'
import { credentials, Metadata } from '@grpc/grpc-js'
import { OAuth2Client } from 'google-auth-library'
import type { OpenSettings, TestKeyStore } from '../../../contract/key-source.ts'
import { generateCertificate } from '../certificate.ts'
import { findAlgorithm } from './algorithms.ts'
import { createService, type Service, token } from './cloud-kms.ts'
import { startGrpcServer } from './grpc-server.ts'
import { createKeyRing } from './key-ring.ts'
import { startRestServer } from './rest-server.ts'

/** How the service is asked. */
export type Transport = 'gRPC' | 'REST'

type ClientOptions = NonNullable<ConstructorParameters<typeof KeyManagementServiceClient>[0]>

/** A key store for the suites, and what is special to this one. */
export interface GoogleTestKeyStore extends TestKeyStore {
  readonly service: Service
  readonly client: KeyManagementServiceClient
  readonly port: number
  /** The token that is accepted. */
  readonly token: string
  /** The resource name of a key. */
  buildName(key: string): string
  /** How many calls have not ended. */
  openCalls(): number
  openName(name: string, options?: Omit<GoogleKmsOptions, 'name'>): KeySource
}

/** Starts the service. Of its pages of versions each has so many of them at most. */
export async function startGoogleKms(
  transport: Transport,
  pageSize = 2,
): Promise<GoogleTestKeyStore> {
  const service = createService(createKeyRing({ pageSize }))
  const { ring } = service
  const certificate = generateCertificate()
  const server =
    transport === 'REST'
      ? await startRestServer(service)
      : await startGrpcServer(service, certificate)
  const clients: KeyManagementServiceClient[] = []

  function createClient(accessToken: string, port: number): KeyManagementServiceClient {
    const authClient = new OAuth2Client()
    authClient.setCredentials({ access_token: accessToken })
    const channel = credentials.combineChannelCredentials(
      credentials.createSsl(Buffer.from(certificate.cert)),
      credentials.createFromMetadataGenerator((_, done) => {
        const metadata = new Metadata()
        metadata.set('authorization', `Bearer ${accessToken}`)
        done(null, metadata)
      }),
    )
    const options: ClientOptions =
      transport === 'REST'
        ? { port, fallback: 'rest', protocol: 'http', apiEndpoint: '127.0.0.1' }
        : { port, sslCreds: channel, apiEndpoint: 'localhost' }
    // Its type is that of another copy of the package, in which nothing differs
    const made = new KeyManagementServiceClient(Object.assign(options, { authClient }))
    clients.push(made)
    return made
  }

  const client = createClient(token, server.port)
  const buildName = (key: string) => `${ring.name}/cryptoKeys/${key}`
  const open = (key: string, settings?: OpenSettings) =>
    googleKms({ name: buildName(key), client, ...settings })
  let count = 0

  return {
    service,
    client,
    port: server.port,
    token,
    buildName,
    openCalls: server.openCalls,
    openName: (name, options) => googleKms({ name, client, ...options }),
    async createKey(alg: JwsAlgorithm) {
      count += 1
      const key = `key-${count}`
      ring.createKey(key, findAlgorithm(alg))
      return key
    },
    open,
    openAsStranger: (key) =>
      googleKms({ name: buildName(key), client: createClient('wrong-secret', server.port) }),
    // Nobody listens at the port of no service
    openNowhere: (key) => googleKms({ name: buildName(key), client: createClient(token, 1) }),
    openVersion: (key, settings?: OpenSettings) =>
      googleKms({ name: `${buildName(key)}/cryptoKeyVersions/1`, client, ...settings }),
    async rotate(key) {
      ring.createVersion(buildName(key), 'EC_SIGN_P256_SHA256')
    },
    async disable(key) {
      ring.setState(`${buildName(key)}/cryptoKeyVersions/1`, 'DISABLED')
    },
    async destroy(key) {
      for (const version of ring.versions(buildName(key))) {
        ring.setState(version, 'DESTROY_SCHEDULED')
      }
    },
    async deny(key) {
      ring.deny(buildName(key))
    },
    misbehave: service.misbehave,
    recover: service.recover,
    signRequests: () => service.calls.filter((method) => method === 'asymmetricSign').length,
    async close() {
      await Promise.all(clients.map((one) => one.close()))
      server.close()
    },
  }
}
