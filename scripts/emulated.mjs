// @ts-check
/**
 * An app for the emulator of a provider: with the kind of key that its documents recommend, in the form in
 * which they have it registered, and with what else they demand of an app.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { generateCertificate } from '../packages/cli/dist/index.js'
import { generateClientKey } from '../packages/testing/dist/index.js'

/** @typedef {import('@countersign/core').Preset} Preset */
/** @typedef {import('@countersign/testing').ProviderClient} ProviderClient */

/**
 * Makes what such an app is started with, and how it is registered.
 *
 * @param {Preset} preset the provider's
 * @param {{ jwksUri: string, write: (name: string, text: string) => string }} parts where the app publishes
 *   its keys, and what writes a file that nobody else can read and returns its URI
 * @returns {Promise<{ env: Record<string, string>, client: Partial<ProviderClient> }>}
 */
export async function buildEmulatedApp(preset, { jwksUri, write }) {
  const { assertion, registration, acr, authorization } = preset
  /** @type {Record<string, string>} */
  const env = { OIDC_PROVIDER: preset.name }
  const levels = acr?.levels ?? (acr?.parameter === 'vtr' ? ['Cl.Cm'] : [])
  const level = process.env.OIDC_ACR_VALUES || levels[0] || 'basic'
  if (acr || authorization?.required?.includes('acr_values')) env.OIDC_ACR_VALUES = level
  if (authorization?.required?.includes('scope')) env.OIDC_SCOPE = 'openid profile email'
  if (process.env.OIDC_SCOPE) env.OIDC_SCOPE = process.env.OIDC_SCOPE
  if (!assertion) {
    env.OIDC_CLIENT_SECRET = 'a secret for a demonstration'
    return { env, client: { clientSecret: env.OIDC_CLIENT_SECRET } }
  }
  const [alg] = assertion.recommendedAlgs ?? assertion.algs
  const { privateKeyPem, publicJwk, kid } = await generateClientKey(alg)
  const isNamed = assertion.kid === 'explicit' && assertion.kidRule === 'required'
  env.OIDC_CLIENT_KEY = `${write('client-key.pem', privateKeyPem)}${isNamed ? `?kid=${kid}` : ''}`
  env.OIDC_CLIENT_ALG = alg ?? ''
  /** @type {import('@countersign/testing').RegisteredJwkSet['keys'][number][]} */
  const keys = [publicJwk]
  if (preset.isIdTokenEncrypted) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    env.OIDC_CLIENT_ENCRYPTION_KEY = write('decryption-key.pem', pem)
    keys.push({ .../** @type {{}} */ (publicKey.export({ format: 'jwk' })), use: 'enc' })
  }
  const teamId = assertion.issuer && 'ABCDE12345'
  if (teamId) env.OIDC_ASSERTION_ISSUER = teamId
  const base = teamId ? { teamId } : {}
  if (registration.forms.includes('jwks_uri')) return { env, client: { ...base, jwksUri } }
  if (registration.forms.includes('certificate') && assertion.certificate) {
    const certificate = certify(privateKeyPem)
    env.OIDC_CLIENT_CERT = write('client.crt', certificate)
    return { env, client: { ...base, certificate } }
  }
  const publicKey = createPublicKey(privateKeyPem)
    .export({ type: 'spki', format: 'pem' })
    .toString()
  if (registration.forms.includes('pem')) return { env, client: { ...base, publicKey } }
  if (!registration.forms.includes('certificate'))
    return { env, client: { ...base, jwks: { keys } } }
  return { env, client: { ...base, certificate: certify(privateKeyPem) } }
}

/** @param {string} privateKeyPem */
function certify(privateKeyPem) {
  const privateKey = createPrivateKey(privateKeyPem)
  return generateCertificate({ privateKey, name: 'demo', days: 1, now: Date.now() / 1000 }).pem
}
