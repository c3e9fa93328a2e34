/**
 * The client assertions that an app makes where nothing but a preset is given, and what only it can know.
 *
 * @module
 */

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { JwsAlgorithm, Options, Preset } from '@countersign/core'
import { type InspectedAssertion, inspect } from '@countersign/core/inspection'
import { generateEc, generateEd25519, generateRsa, toPem } from '../../keys/support/keys.ts'
import { secret } from '../../support/options.ts'

/** The provider, whichever it is. */
export const server = {
  issuer: 'https://op.example',
  tokenEndpoint: 'https://op.example/token',
  /** The endpoint that is called, where it is not the former. */
  parEndpoint: 'https://op.example/par',
} as const

const encryptionKey = toPem(generateRsa(3072))

const keys = new Map<string, KeyObject>()

/** A key for an algorithm; one of each kind for a whole file. */
export function keyFor(alg: JwsAlgorithm): KeyObject {
  if (/^[RP]S/.test(alg)) return generateRsa()
  const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[alg as 'ES256'] ?? 'Ed25519'
  const key = keys.get(curve) ?? (curve === 'Ed25519' ? generateEd25519() : generateEc(curve))
  keys.set(curve, key)
  return key
}

/** The assertion of an app for one endpoint. */
export async function buildFor(
  preset: Preset,
  { endpoint, alg }: { readonly endpoint?: string; readonly alg?: JwsAlgorithm } = {},
): Promise<InspectedAssertion> {
  const inspection = inspect(buildOptions(preset, alg ?? preset.assertion?.algs[0] ?? 'RS256'))
  try {
    return await inspection.buildAssertion(endpoint)
  } finally {
    await inspection.close()
  }
}

/** What only the app can know. */
const ofApps: Readonly<Record<string, Partial<Options>>> = {
  'login-gov': { authorization: { acr_values: 'urn:acr.login.gov:auth-only' } },
  itsme: { authorization: { scope: 'openid service:LOGIN' } },
  'france-connect-plus': { authorization: { acr_values: 'eidas2' } },
}

function buildOptions(preset: Preset, alg: JwsAlgorithm): Options {
  const { assertion, isIdTokenEncrypted, name } = preset
  const key = keyFor(alg)
  const mustName = assertion?.kid === 'explicit' && assertion.kidRule === 'required'
  return {
    provider: preset,
    issuer: server.issuer,
    clientId: 'app',
    clientKey: [{ key: toPem(key), alg, ...(mustName && { kid: 'ABC123DEFG' }) }],
    assertion: {
      ...(assertion?.issuer && { issuer: 'ABCDE12345' }),
      ...(assertion?.certificate && { certificate: certify(key) }),
    },
    baseUrl: 'https://app.example',
    session: { secret },
    ...(isIdTokenEncrypted && { idToken: { decryptionKey: encryptionKey } }),
    ...ofApps[name],
    http: { fetch: answerMetadata },
  }
}

const answerMetadata: typeof fetch = async () =>
  Response.json({
    issuer: server.issuer,
    authorization_endpoint: `${server.issuer}/authorize`,
    token_endpoint: server.tokenEndpoint,
    pushed_authorization_request_endpoint: server.parEndpoint,
    jwks_uri: `${server.issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
  })

/** A certificate in which this key stands in place of another: nobody here verifies its signature. */
export function certify(key: KeyObject): string {
  const { raw, publicKey } = new X509Certificate(ofAnotherKey)
  const theirs = publicKey.export({ type: 'spki', format: 'der' })
  const ours = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const at = raw.indexOf(theirs)
  const der = Buffer.concat([raw.subarray(0, at), ours, raw.subarray(at + theirs.length)])
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----`
}

/** Self-signed, by an RSA key that nobody has any more. */
const ofAnotherKey = `-----BEGIN CERTIFICATE-----
MIIDITCCAgmgAwIBAgIUMbKEuFm8Sz2OYaxv+Xxg6lkjEBAwDQYJKoZIhvcNAQEL
BQAwHzEdMBsGA1UEAwwUY2xpZW50IG9mIGFuIFJTQSBrZXkwIBcNMjYxMTIxMTgw
MTEzWhgPMjEyNjEwMjgxODAxMTNaMB8xHTAbBgNVBAMMFGNsaWVudCBvZiBhbiBS
U0Ega2V5MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4IcQLjP7Tkkd
VuRLmVij72kRXMoX1Za2CyGStm7RxsxS4ITn4w1g2EVA0GuMJ1Mq2tEYnoyWVX6O
Fl49meiotI2qg9ordl+tdkQRySYB5TYNj4u5cdHpOuaKg3PlWRPmF7yS9MbS7EIu
3KYYbGE+HB+eki0GDLontVkq61VfSEDZGCqV6jx+03AgfM4ANsxk0Sp5M70Hiltg
26uIP2+oGD9K52YEmI3Wny5TgSr8f5sS9BEUU5of8VoBhnBAr3KeVDfGZ5zJIJXb
5XpRTeVjcjovm+203QC3sqHa+g5TteI/FVB343UNp2kB+YcEGi7ygN93OUztzCkS
19w1HNZR4QIDAQABo1MwUTAdBgNVHQ4EFgQUWLr12RvQk8U1EFbqW/fTUP8pX8Qw
HwYDVR0jBBgwFoAUWLr12RvQk8U1EFbqW/fTUP8pX8QwDwYDVR0TAQH/BAUwAwEB
/zANBgkqhkiG9w0BAQsFAAOCAQEAxW5zZQch67XWxHlQRmF4/tGNl3zUx4meqTqB
ntoF6u4fDfJgkPhtlN9IWAp9EkJz1q9E1sHQsLsL08GCr5fgEz2KthjDmw8PQEh2
17N9m4VvZ2CGNxgp+sNkGr03mxPYtf0b8KlRiL/Q3kvIHEn/iRbxmwBv+XTMtloW
oRyso9D8iPDp2uIcHYl7x5yp0GJydsM3ghm1G8vcdOhVwJ0SqhMhtR+RnDqykK8J
YSwo8ZsDpXJRFPi/p6tHrPg5xA2XYjV9wQMkRWnUFCExtum8ULpnDWmWCEBzA6ww
ZQ4BIyEhbMR4Wt3LSE9y3SE88cfpDXuMIzOWM4VXtrsYYCOtjA==
-----END CERTIFICATE-----`
