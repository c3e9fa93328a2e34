/**
 * Where each kind of key is opened, ours and bare. Nothing of a vendor's is loaded before it is needed.
 *
 * An opener has `openOurs`, which returns what `clientKey` takes, and `openBare`, which returns a
 * function that signs octets with what ours is compared to.
 *
 * @module
 */

const openers = {
  pem: () => import('./local.js'),
  jose: () => import('./jose.js'),
  file: () => import('./local.js'),
  pkcs11: () => import('./pkcs11.js'),
  aws: () => import('./aws.js'),
  'gcp-rest': () => import('./gcp.js'),
  'gcp-grpc': () => import('./gcp.js'),
  azure: () => import('./azure.js'),
  vault: () => import('./vault.js'),
}

/** Loads the opener of a kind of key. */
export function loadOpener(kind) {
  return openers[kind]()
}
