/**
 * A client of an emulator for these tests: it makes its assertions by hand, right as the provider's
 * documents want them, or broken in one way.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { AssertionDemands, Preset } from '@countersign/core'
import { readAudience } from '@countersign/core/inspection'
import { importPKCS8, SignJWT } from 'jose'
import {
  type ClientEndpoint,
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '../src/index.ts'
import { redirectUri } from './app.ts'
import { certify } from './certify.ts'

export const paths: Readonly<Record<ClientEndpoint, string>> = {
  token: '/token',
  pushed_authorization_request: '/par',
  revocation: '/revoke',
  introspection: '/introspect',
}

/** What is other than it should be. */
export interface Fault {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  /** Parameters to set, or with `undefined` to leave out. */
  readonly form?: Readonly<Record<string, string | undefined>>
  readonly signer?: GeneratedClientKey
  /** Sent in place of the assertion. */
  readonly jws?: string
}

/** A running emulator with the client `app`, and what that client has. */
export interface Emulated {
  readonly provider: Provider
  readonly preset: Preset
  readonly key: GeneratedClientKey
  readonly certificate: string
  readonly lines: readonly string[]
  /** Signs an assertion for an endpoint. */
  sign(endpoint: ClientEndpoint, fault?: Fault): Promise<string>
  /** Sends a request with an assertion, for a token or a code that nobody has. */
  send(endpoint: ClientEndpoint, fault?: Fault): Promise<Response>
  /** The parameters that authenticate the client. */
  buildForm(endpoint: ClientEndpoint, fault?: Fault): Promise<URLSearchParams>
}

export const seconds = (): number => Math.floor(Date.now() / 1000)

/** Starts an emulator whose client has one key, registered in the first form that is taken. */
export async function startEmulated(
  preset: Preset,
  client: Partial<ProviderClient> = {},
): Promise<Emulated> {
  const demands = preset.assertion
  if (demands === undefined) throw new Error(`${preset.name} has no assertions`)
  const key = await generateClientKey(demands.algs[0])
  const certificate = certify(key.privateKeyPem)
  const lines: string[] = []
  const isGiven = client.jwks ?? client.jwksUri ?? client.publicKey ?? client.certificate
  const provider = await startProvider({
    preset,
    interaction: 'auto',
    onLog: (line) => lines.push(line),
    clients: [
      {
        clientId: 'app',
        redirectUris: [redirectUri],
        ...(demands.issuer && { teamId: demands.issuer.example }),
        ...(!isGiven && register(preset, key, certificate)),
        ...client,
      },
    ],
  })

  async function sign(endpoint: ClientEndpoint, fault: Fault = {}): Promise<string> {
    const { signer = key } = fault
    const header = {
      ...buildHeader(demands as AssertionDemands, key, certificate),
      ...fault.header,
    }
    const base = provider.issuer.replace(/\/$/, '')
    const aud = readAudience((demands as AssertionDemands).audience[0], {
      issuer: provider.issuer,
      tokenEndpoint: `${base}/token`,
      endpoint: `${base}${paths[endpoint]}`,
    })
    const now = seconds() - (demands?.backdate ?? 0)
    const iss = demands?.issuer?.example ?? 'app'
    const times = { iat: now, nbf: now, exp: now + 50 }
    const claims = { iss, sub: 'app', aud, jti: crypto.randomUUID(), ...times, ...fault.claims }
    const given = Object.entries(header).filter(([, value]) => value !== undefined)
    return new SignJWT(claims)
      .setProtectedHeader({ ...Object.fromEntries(given), alg: signer.alg })
      .sign(await importPKCS8(signer.privateKeyPem, signer.alg))
  }

  async function buildForm(endpoint: ClientEndpoint, fault: Fault = {}): Promise<URLSearchParams> {
    const jws = fault.jws ?? (await sign(endpoint, fault))
    const isSecret = preset.clientAuth[0] === 'signed_client_secret'
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const form = {
      client_id: 'app',
      ...(isSecret ? { client_secret: jws } : { client_assertion_type, client_assertion: jws }),
      ...fault.form,
    }
    const given = Object.entries(form).filter((entry): entry is [string, string] => !!entry[1])
    return new URLSearchParams(given)
  }

  return {
    provider,
    preset,
    key,
    certificate,
    lines,
    sign,
    buildForm,
    async send(endpoint, fault) {
      const body = await buildForm(endpoint, fault)
      const rest = { grant_type: 'authorization_code', code: 'x', redirect_uri: redirectUri }
      for (const [name, value] of Object.entries({ ...rest, token: 'x' })) body.append(name, value)
      const url = provider.issuer.replace(/\/$/, '') + paths[endpoint]
      return fetch(url, { method: 'POST', body })
    },
  }
}

function register(
  { registration: { forms }, assertion }: Preset,
  { jwks, publicJwk }: GeneratedClientKey,
  certificate: string,
): Partial<ProviderClient> {
  if (assertion?.certificate || (forms.length === 1 && forms[0] === 'certificate')) {
    return { certificate }
  }
  return forms.includes('jwks') ? { jwks } : { publicKey: publicJwk }
}

function buildHeader(
  { typ, kid, kidRule, certificate: name }: AssertionDemands,
  key: GeneratedClientKey,
  certificate: string,
): Readonly<Record<string, unknown>> {
  const der = Buffer.from(certificate.replace(/-.*-|\s/g, ''), 'base64')
  return {
    typ: typ?.[0],
    kid: kid === 'thumbprint' || kidRule === 'required' ? key.kid : undefined,
    ...(name === 'x5c' && { x5c: [der.toString('base64')] }),
    ...(name === 'x5t#S256' && { 'x5t#S256': sha256(der) }),
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** A GET as one that knows no `User-Agent` sends it: its status and its text. */
export async function getWithoutUserAgent(url: string): Promise<{ status: number; text: string }> {
  const sent = request(url, { headers: {} }).end()
  const [response] = await once(sent, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() }
}
