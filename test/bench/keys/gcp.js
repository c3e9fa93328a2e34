/**
 * Keys of the Google Cloud KMS next door, over both of its transports, and Google's client alone.
 *
 * @module
 */

import { hash } from './hash.js'
import { loadPackage } from './packages.js'

export async function openOurs({ name, ...place }) {
  const { googleKms } = await loadPackage('@countersign/kms/gcp')
  return googleKms({ name, client: await createClient(place) })
}

export async function openBare({ name, ...place }) {
  const client = await createClient(place)
  const version = `${name}/cryptoKeyVersions/1`
  return (data) => client.asymmetricSign({ name: version, digest: { sha256: hash(data) } })
}

async function createClient({ port, token, certificate }) {
  const { KeyManagementServiceClient } = await loadPackage('@google-cloud/kms')
  const { OAuth2Client } = await loadPackage('google-auth-library')
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: token })
  const address = certificate
    ? { apiEndpoint: 'localhost', sslCreds: await createCredentials(token, certificate) }
    : { apiEndpoint: '127.0.0.1', protocol: 'http', fallback: 'rest' }
  return new KeyManagementServiceClient({ ...address, port, authClient })
}

async function createCredentials(token, certificate) {
  const { credentials, Metadata } = await loadPackage('@grpc/grpc-js')
  return credentials.combineChannelCredentials(
    credentials.createSsl(Buffer.from(certificate)),
    credentials.createFromMetadataGenerator((_, done) => {
      const metadata = new Metadata()
      metadata.set('authorization', `Bearer ${token}`)
      done(null, metadata)
    }),
  )
}
