/**
 * Which keys are compared: for each kind of key ours, and what signs with the same key without us.
 *
 * @module
 */

/**
 * The kinds of keys. `bare` names what ours is compared to, and `inFlight` how many signatures are asked
 * for at once: no more than our own limit lets through, so that nobody is made to wait by it.
 */
export const kinds = {
  pem: { title: 'PEM', bare: 'node:crypto', inFlight: 16, isLocal: true },
  jose: { title: 'PEM, beside jose', bare: 'jose', inFlight: 16, packages: ['jose'] },
  file: { title: '`file:`', bare: 'node:crypto', inFlight: 16, isLocal: true },
  pkcs11: {
    title: 'PKCS#11, SoftHSM2',
    bare: 'pkcs11js',
    // As many as there are sessions
    inFlight: 2,
    isLocal: true,
    store: true,
    packages: ['pkcs11js'],
  },
  aws: {
    title: 'AWS KMS',
    bare: '@aws-sdk/client-kms',
    inFlight: 16,
    store: true,
    packages: ['@aws-sdk/client-kms'],
  },
  'gcp-rest': {
    title: 'Google Cloud KMS, REST',
    bare: '@google-cloud/kms',
    inFlight: 16,
    store: true,
    packages: ['@google-cloud/kms'],
  },
  'gcp-grpc': {
    title: 'Google Cloud KMS, gRPC',
    bare: '@google-cloud/kms',
    inFlight: 16,
    store: true,
    packages: ['@google-cloud/kms'],
  },
  azure: {
    title: 'Azure Key Vault',
    bare: '@azure/keyvault-keys',
    inFlight: 16,
    store: true,
    packages: ['@azure/keyvault-keys'],
  },
  vault: { title: 'Vault Transit', bare: 'fetch', inFlight: 16, store: true },
}

const localAlgorithms = ['RS256', 'ES256', 'ES384', 'EdDSA']
const storeAlgorithms = ['RS256', 'ES256']

/** All keys to measure, as `{ kind, alg }`; for a smoke run one of each kind. */
export function listRows({ isQuick }) {
  return Object.keys(kinds).flatMap((kind) => {
    const algorithms = kind === 'pem' ? localAlgorithms : storeAlgorithms
    return (isQuick ? ['ES256'] : algorithms).map((alg) => ({ kind, alg }))
  })
}
