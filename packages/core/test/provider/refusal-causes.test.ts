import { describe, expect, test } from 'vitest'
import type { Preset } from '../../src/provider/preset.ts'
import { presets } from '../../src/provider/presets.ts'
import { findRefusalCauses } from '../../src/provider/refusal-causes.ts'

/** What is said of the key where a provider refuses an assertion. */
function explainKey(preset: Preset, untrustedText = '') {
  const causes = findRefusalCauses({
    method: preset.clientAuth[0],
    header: { alg: 'RS256', kid: 'one' },
    claims: {},
    clientId: 'app',
    formClientId: 'app',
    issuer: 'https://op.example',
    tokenEndpoint: 'https://op.example/token',
    endpoint: 'https://op.example/token',
    listedMethods: undefined,
    listedAlgs: undefined,
    preset,
    untrustedText,
    now: 1_800_000_000,
    skew: 0,
  })
  return causes.find(({ rule }) => rule === 'key') ?? expect.unreachable('nothing of the key')
}

describe('a key that may not be registered', () => {
  test.each<[string, Preset, string, string]>([
    [
      'PEM',
      presets.auth0,
      'its public half as PEM',
      ' (it keeps 2); "npx countersign jwks --pem" shows it',
    ],
    [
      'a certificate',
      presets.entra,
      'its certificate (the file in OIDC_CLIENT_CERT, where that is set)',
      '',
    ],
    [
      'a JWK',
      presets.signicat,
      'its public half (the JWK Set or, where one JWK is asked for, that of "keys" with this "kid")',
      '; "npx countersign jwks" shows it',
    ],
    [
      'the URL of a JWK Set',
      presets.keycloak,
      "the JWKS URL of this app (after a change, have the provider's copy renewed)",
      '; "npx countersign jwks" shows it',
    ],
    ['made there', presets.apple, 'it there, and set "clientKey" to what you are given', ''],
  ])('is to be registered as it is taken: %s', (_form, preset, what, rest) => {
    const { fix } = explainKey(preset)
    expect(fix).toBe(`register ${what} at ${preset.registration.where}${rest}`)
  })

  test('may be an old copy only where a provider reads the JWKS URL', () => {
    const copying = Object.values<Preset>(presets).filter(
      (preset) => preset.assertion && explainKey(preset).message.includes('an old copy'),
    )
    const reading = Object.values<Preset>(presets).filter(({ registration }) =>
      registration.forms.includes('jwks_uri'),
    )
    expect(copying).toEqual(reading)
    expect(explainKey(presets.jiko).message).toMatch(/under another name or algorithm$/)
  })

  test('is a certificate at Entra, which names it by what OpenSSL prints', () => {
    const { fix } = explainKey(presets.entra, 'AADSTS700027: … Thumbprint of key used by client: …')
    expect(fix).toContain('"openssl x509 -noout -fingerprint -sha1 -in client.crt"')
    expect(fix).not.toContain('with the header')
  })
})
