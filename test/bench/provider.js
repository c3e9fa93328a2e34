/**
 * A lean OpenID Provider that signs everybody in. It is there to be talked to and not to be believed: it
 * checks nothing, so that the machine's time goes to the Relying Parties.
 *
 * @module
 */

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'RS256' }
const header = encode({ alg: 'RS256', kid: jwk.kid })
const authorizations = new Map()
let users = 0

const server = createServer({ keepAliveTimeout: 600_000 }, (req, res) => {
  const [path, query] = req.url.split('?', 2)
  if (path === '/authorize') return authorize(new URLSearchParams(query), res)
  if (path === '/token') return readBody(req, (body) => redeem(new URLSearchParams(body), res))
  const premade = documents[path]
  if (premade === undefined) return res.writeHead(404).end()
  res.writeHead(200, premade).end(premade.body)
})
let issuer = ''
const documents = {}

server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`
  publish('/.well-known/openid-configuration', {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/logout`,
    jwks_uri: `${issuer}/jwks`,
    scopes_supported: ['openid', 'profile', 'email'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS256', 'ES256'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  })
  publish('/jwks', { keys: [jwk] })
  publish('/userinfo', { sub: 'user-000000', name: 'Jane Q. Public' })
  publish('/logout', {})
  process.send({ ready: { issuer } })
})
process.on('message', ({ id, subs }) => {
  process.send({ id, answer: { tokens: subs.map(signLogoutToken) } })
})
process.on('disconnect', () => process.exit())

function publish(path, value) {
  const body = JSON.stringify(value)
  documents[path] = headersOf(body)
  Object.defineProperty(documents[path], 'body', { value: body, enumerable: false })
}

function headersOf(body) {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
}

function authorize(parameters, res) {
  const code = randomBytes(24).toString('base64url')
  authorizations.set(code, parameters.get('nonce'))
  const answer = new URLSearchParams({ code, state: parameters.get('state'), iss: issuer })
  res.writeHead(303, { location: `${parameters.get('redirect_uri')}?${answer}` }).end()
}

function redeem(form, res) {
  const code = form.get('code')
  const nonce = authorizations.get(code)
  authorizations.delete(code)
  const accessToken = randomBytes(32).toString('base64url')
  const digest = createHash('sha256').update(accessToken).digest()
  const now = Math.floor(Date.now() / 1000)
  users += 1
  const sub = `user-${String(users).padStart(6, '0')}`
  const payload = encode({
    iss: issuer,
    sub,
    aud: 'bench',
    exp: now + 86_400,
    iat: now,
    auth_time: now,
    nonce,
    at_hash: digest.subarray(0, 16).toString('base64url'),
    sid: randomBytes(16).toString('hex'),
    acr: 'urn:mace:incommon:iap:silver',
    amr: ['pwd', 'otp'],
    name: 'Jane Q. Public',
    given_name: 'Jane',
    family_name: 'Public',
    preferred_username: 'jane.public',
    email: `${sub}@example.com`,
    email_verified: true,
    locale: 'en-GB',
    updated_at: now - 86_400,
  })
  const input = `${header}.${payload}`
  const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url')
  const body = JSON.stringify({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'openid profile email',
    id_token: `${input}.${signature}`,
  })
  res.writeHead(200, { ...headersOf(body), 'cache-control': 'no-store' }).end(body)
}

function signLogoutToken(sub) {
  const now = Math.floor(Date.now() / 1000)
  const payload = encode({
    iss: issuer,
    sub,
    aud: 'bench',
    iat: now,
    exp: now + 600,
    jti: randomBytes(16).toString('hex'),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })
  const input = `${header}.${payload}`
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
}

function readBody(req, then) {
  let body = ''
  req.setEncoding('utf8')
  req.on('data', (chunk) => {
    body += chunk
  })
  req.on('end', () => then(body))
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
