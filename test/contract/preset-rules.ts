/**
 * Apps that break the rules of their provider on purpose, one rule each.
 *
 * @module
 */

import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import type { AssertionCallback, AssertionContext, Options, Preset } from '@countersign/core'
import type { EmulatorRule, GeneratedClientKey, Provider } from '@countersign/testing'
import { SignJWT } from 'jose'

/** What an app that breaks a rule has to work with. */
export interface Culprit {
  readonly preset: Preset
  readonly provider: Provider
  readonly key: GeneratedClientKey
  readonly certificate: string
  /** A key that is registered nowhere. */
  readonly stranger: GeneratedClientKey
  /** A key of an algorithm that the provider does not accept, or that is not the registered one. */
  readonly misfit: GeneratedClientKey
}

interface Assertion {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

/** Options that break a rule, and no other; `undefined` for a rule that no option breaks. */
export function breakRule(rule: EmulatorRule, culprit: Culprit): Partial<Options> | undefined {
  const { preset, stranger, misfit } = culprit
  const { assertion, authorization } = preset
  const send = (change: (parts: Assertion, now: number) => void, key = culprit.key) => ({
    clientAuth: assert(culprit, change, key),
  })
  const ask = (parameters: Readonly<Record<string, string | undefined>>) => ({
    // With the rules it would be refused here
    provider: withoutRules(preset),
    authorization: { ...ofPreset(preset), ...parameters },
  })
  switch (rule) {
    case 'alg':
      return send(({ header }) => Object.assign(header, { alg: misfit.alg }), misfit)
    case 'typ':
      return send(({ header }) => Object.assign(header, { typ: 'at+jwt' }))
    case 'kid':
      return send(({ header }) => {
        if (assertion?.kidRule === 'required') delete header['kid']
        else header['kid'] = 'a-key-of-somebody-else'
      })
    case 'certificate':
      return send(({ header }) => delete header[assertion?.certificate ?? ''])
    case 'iss':
      return send(({ claims }) => {
        claims['iss'] = assertion?.issuer ? claims['sub'] : 'somebody-else'
      })
    case 'sub':
      return send(({ claims }) => Object.assign(claims, { sub: 'somebody-else' }))
    case 'aud':
      return send(({ claims }) => Object.assign(claims, { aud: [claims['aud']] }))
    case 'exp':
      return send(({ claims }, now) => Object.assign(claims, { iat: now - 120, exp: now - 60 }))
    case 'lifetime':
      return send(({ claims }, now) =>
        Object.assign(claims, { exp: now + (assertion?.maxLifetime ?? 0) + 60 }),
      )
    case 'iat':
    case 'nbf':
      return send(({ claims }, now) => Object.assign(claims, { [rule]: now + 20 }))
    case 'jti':
      return send(({ claims }) => Object.assign(claims, { jti: 'x'.repeat(256) }))
    case 'jti_once':
      return send(({ claims }) => Object.assign(claims, { jti: 'always-the-same' }))
    case 'key':
      return send(() => {}, stranger)
    case 'client_assertion':
      return { clientAuth: () => 'not-a-jwt' }
    case 'jwks_uri':
      return { routes: { jwks: false } }
    case 'user_agent':
      return { http: { fetch: withoutUserAgent } }
    case 'scope':
      return ask({ scope: `openid ${authorization?.refusedScopes?.[0]}` })
    case 'parameter':
      return ask({ [authorization?.required?.[0] ?? '']: '' })
    case 'vtr':
      return ask({ acr_values: undefined, vtr: 'Cl.Cm' })
    case 'response_mode':
      return ask({
        response_mode: authorization?.responseModes?.includes('form_post')
          ? 'web_message'
          : 'form_post',
      })
    case 'prompt':
      return ask({ prompt: 'login' })
    default:
      // What an app cannot break that is made with this library is tried on emulators by hand
      return undefined
  }
}

/** The same provider, to an app that does not know what it demands of a request. */
function withoutRules({ authorization: { defaults } = {}, ...preset }: Preset): Preset {
  return { ...preset, authorization: defaults ? { defaults } : {} }
}

function ofPreset({ name }: Preset): Readonly<Record<string, string>> {
  return name === 'govuk-one-login' ? { acr_values: 'Cl.Cm' } : { acr_values: 'eidas2' }
}

/** Assertions as the provider wants them, but for one change. */
function assert(
  culprit: Culprit,
  change: (parts: Assertion, now: number) => void,
  key: GeneratedClientKey,
): AssertionCallback {
  const { preset, certificate } = culprit
  return async (context) => {
    const now = Math.floor(Date.now() / 1000)
    const parts = build(preset, { context, now, key: culprit.key, certificate })
    change(parts, now)
    const { alg, ...header } = parts.header
    const signing = new SignJWT(parts.claims).setProtectedHeader({ alg: String(alg), ...header })
    return await signing.sign(createPrivateKey(key.privateKeyPem))
  }
}

function build(
  { assertion }: Preset,
  {
    context,
    now,
    key,
    certificate,
  }: {
    readonly context: AssertionContext
    readonly now: number
    readonly key: GeneratedClientKey
    readonly certificate: string
  },
): Assertion {
  const { raw } = new X509Certificate(certificate)
  const [audience = 'issuer'] = assertion?.audience ?? []
  const urls: Readonly<Record<string, string>> = {
    issuer: context.issuer,
    token_endpoint: context.tokenEndpoint,
    called_endpoint: context.tokenEndpoint,
  }
  const isNamed =
    assertion?.kid === 'thumbprint' || (assertion?.kid === 'explicit' && assertion.kidRule)
  return {
    header: {
      alg: key.alg,
      ...(assertion?.typ && { typ: assertion.typ[0] }),
      ...(isNamed && { kid: key.kid }),
      ...(assertion?.certificate && {
        [assertion.certificate]: createHash('sha256').update(raw).digest('base64url'),
      }),
    },
    claims: {
      iss: assertion?.issuer ? 'ABCDE12345' : context.clientId,
      sub: context.clientId,
      aud: urls[audience] ?? audience,
      jti: randomUUID(),
      iat: now - (assertion?.backdate ?? 0),
      ...(assertion?.required?.includes('nbf') && { nbf: now }),
      exp: now + 30,
    },
  }
}

/** As a `fetch` that forgets a header. */
const withoutUserAgent: typeof globalThis.fetch = async (input, init) => {
  const url = new URL(String(input))
  const { request } = await import('node:http')
  const headers = new Headers(init?.headers)
  headers.delete('user-agent')
  return await new Promise<Response>((resolve, reject) => {
    const sent = request(url, {
      method: init?.method ?? 'GET',
      headers: Object.fromEntries(headers),
    })
    sent.on('error', reject)
    sent.on('response', (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('end', () =>
        resolve(new Response(Buffer.concat(chunks), { status: message.statusCode ?? 500 })),
      )
    })
    sent.end(init?.body ? String(init.body) : undefined)
  })
}
