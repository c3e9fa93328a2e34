/**
 * Keys of the AWS KMS next door, and the SDK alone.
 *
 * @module
 */

import { hash } from './hash.js'
import { loadPackage } from './packages.js'

const signingAlgorithms = { RS256: 'RSASSA_PKCS1_V1_5_SHA_256', ES256: 'ECDSA_SHA_256' }

export async function openOurs({ keyId, region, url, identity }) {
  process.env.AWS_ACCESS_KEY_ID = identity.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = identity.secretAccessKey
  const { awsKms } = await loadPackage('@countersign/kms/aws')
  return awsKms({ keyId, region, endpoint: url })
}

export async function openBare({ keyId, region, url, identity }, alg) {
  const { KMSClient, SignCommand } = await loadPackage('@aws-sdk/client-kms')
  const client = new KMSClient({ region, endpoint: url, credentials: identity })
  const settings = {
    KeyId: keyId,
    MessageType: 'DIGEST',
    SigningAlgorithm: signingAlgorithms[alg],
  }
  return (data) => client.send(new SignCommand({ ...settings, Message: hash(data) }))
}
