/**
 * ID Tokens and UserInfo as they come, before openid-client reads the response: those that the provider
 * encrypts for us are decrypted, so that it gets the signed token that was inside, and checks it as any
 * other. What it would let pass of signed UserInfo is refused here.
 *
 * @see OpenID Connect Core 1.0, 5.3.2, 10.2 and 16.14 (signed, then encrypted)
 *
 * @module
 */

import { decodeJwt } from 'jose'
import { KeyError, ProviderError, TokenValidationError } from '../errors.ts'
import type { Fetch } from '../http/fetch.ts'
import { decryptJwe, isCompactJwe } from '../jose/decrypt.ts'
import type { DecryptionRing } from '../keys/decryption-ring.ts'

/** What reading tokens takes. */
export interface TokenSettings {
  /** The keys that tokens are encrypted for, where they are. */
  readonly decryptionRing?: Pick<DecryptionRing, 'usable'> | undefined
  /** Whether signatures of the provider's keys are verified. */
  readonly hasAsymmetricIdTokens: boolean
  readonly fetch: Fetch
}

/** Where tokens come from. */
interface TokenEndpoints {
  readonly token_endpoint: string
  readonly userinfo_endpoint?: string | undefined
}

/** Creates a `fetch` whose responses hold no encrypted tokens, and UserInfo only that can be verified. */
export function createTokenFetch(
  { token_endpoint, userinfo_endpoint }: TokenEndpoints,
  settings: TokenSettings,
): Fetch {
  const tokenUrl = readHref(token_endpoint)
  const userInfoUrl = readHref(userinfo_endpoint)
  const { fetch, decryptionRing } = settings
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.status !== 200) return response
    const href = readHref(url)
    if (href === tokenUrl && decryptionRing) return await decryptTokens(response, decryptionRing)
    if (href === userInfoUrl) return await readUserInfo(response, settings)
    return response
  }
}

/** As openid-client writes a URL, whatever the metadata has: a port that is the default, capitals. */
function readHref(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).href : undefined
}

async function decryptTokens(
  response: Response,
  keys: Pick<DecryptionRing, 'usable'>,
): Promise<Response> {
  // A copy: what is handed on untouched is read there as it was read here, to the last byte
  const tokens = parse(await response.clone().text())
  const idToken = tokens?.['id_token']
  // What is no token response is openid-client's to refuse
  if (typeof idToken !== 'string') return response
  // OIDC Core, 3.1.3.7 (1): with encryption negotiated, a token that is not encrypted is rejected
  if (!isCompactJwe(idToken)) {
    throw refuse(
      'id_token',
      'the ID Token is not encrypted, and "idToken.decryptionKey" is set: ' +
        'have the provider encrypt ID Tokens for this client, or remove the option',
    )
  }
  const id_token = await decrypt(idToken, keys, 'id_token')
  if (!isCompactJws(id_token))
    throw refuse('id_token', 'the encrypted ID Token holds no signed one')
  return replaceBody(response, write({ ...tokens, id_token }), 'application/json')
}

async function readUserInfo(
  response: Response,
  { decryptionRing, hasAsymmetricIdTokens }: TokenSettings,
): Promise<Response> {
  if (!isJwt(response)) return response
  const body = (await response.text()).trim()
  const isEncrypted = isCompactJwe(body)
  // Without a key it is openid-client's to refuse
  if (isEncrypted && !decryptionRing) return replaceBody(response, body, 'application/jwt')
  const content =
    isEncrypted && decryptionRing ? await decrypt(body, decryptionRing, 'userinfo') : body
  if (isCompactJws(content)) {
    if (!hasAsymmetricIdTokens) {
      throw refuse(
        'userinfo',
        'UserInfo is signed, and where ID Tokens are signed with the client secret ("idToken.alg") ' +
          'its signature is not verified: have the provider send it as JSON',
      )
    }
    checkOrigin(content)
    return replaceBody(response, content, 'application/jwt')
  }
  // OIDC Core, 5.3.2: it may be encrypted alone, and then holds what plain UserInfo would
  if (isEncrypted && parse(content)) return replaceBody(response, content, 'application/json')
  throw refuse('userinfo', 'UserInfo of the type "application/jwt" holds neither a JWT nor claims')
}

/** Decrypts what was asked for with a code or a refresh token, which is used by now. */
async function decrypt(
  jwe: string,
  keys: Pick<DecryptionRing, 'usable'>,
  tokenKind: TokenValidationError['tokenKind'],
): Promise<string> {
  try {
    return await decryptJwe(jwe, keys, tokenKind)
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    const { code, message, kid, reason } = error
    // RFC 6749, 4.1.2: a 503 would invite to send the code once more, which must not be
    throw new KeyError(code, message, { kid, reason, cause: error, status: 502 })
  }
}

/** OIDC Core, 5.3.2: signed UserInfo MUST have both; openid-client compares them where they are. */
function checkOrigin(jwt: string): void {
  const claims = readClaims(jwt)
  const missing = ['iss', 'aud'].find((claim) => claims?.[claim] === undefined)
  if (missing === undefined) return
  throw new TokenValidationError(
    'ERR_ID_TOKEN_CLAIM',
    `"${missing}" of signed UserInfo is missing`,
    { tokenKind: 'userinfo', claim: missing, reason: 'missing' },
  )
}

function readClaims(jwt: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return decodeJwt(jwt)
  } catch {
    return undefined
  }
}

function isJwt(response: Response): boolean {
  const [type] = response.headers.get('content-type')?.split(';') ?? []
  return type?.trim().toLowerCase() === 'application/jwt'
}

function isCompactJws(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function write(tokens: object): string {
  try {
    return JSON.stringify(tokens)
  } catch {
    // What JSON.parse reads may be too deep for JSON.stringify
    throw new ProviderError('ERR_TOKEN_RESPONSE', 'the token response is nested too deeply')
  }
}

/** The same response with another body. */
function replaceBody({ status, headers }: Response, body: string, contentType: string): Response {
  const others = new Headers(headers)
  others.delete('content-length')
  others.set('content-type', contentType)
  return new Response(body, { status, headers: others })
}

function refuse(
  tokenKind: TokenValidationError['tokenKind'],
  message: string,
): TokenValidationError {
  return new TokenValidationError('ERR_ID_TOKEN', message, { tokenKind, reason: 'invalid' })
}
