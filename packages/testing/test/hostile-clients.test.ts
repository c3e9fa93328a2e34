import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { presets } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { startProvider } from '../src/index.ts'
import { redirectUri } from './app.ts'
import { startEmulated } from './emulated.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function publish(answer: (res: ServerResponse) => void): Promise<string> {
  const server: Server = createServer((_req, res) => answer(res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}

/** Writes for as long as somebody reads. */
function writeEndlessly(res: ServerResponse): void {
  const chunk = ' '.repeat(64 * 1024)
  const go = () => {
    while (!res.destroyed && res.write(chunk));
  }
  res.on('drain', go)
  go()
}

/** Writes a little now and then. */
function drip(res: ServerResponse): void {
  const timer = setInterval(() => res.write(' '), 50)
  res.on('close', () => clearInterval(timer))
}

describe('the JWK Set of a client', () => {
  test.each([
    ['that has no end', writeEndlessly, 'answered more than 256 kB'],
    ['that comes in drops', drip, 'timeout'],
  ])('%s is not waited for, and not kept', async (_what, answer, reason) => {
    const answers: ServerResponse[] = []
    const jwksUri = await publish((res) => {
      answers.push(res)
      answer(res)
    })
    const { provider, send } = await startEmulated(presets.criipto, { jwksUri })
    closing.push(() => provider.close())
    expect((await send('token', { header: { kid: 'new' } })).status).toBe(401)
    // It ends by nobody's doing but the provider's
    expect(answers).toHaveLength(1)
    for (const res of answers) if (!res.destroyed) await once(res, 'close')
    expect(provider.refusals.at(-1)?.rule).toBe('jwks_uri')
    expect(provider.refusals.at(-1)?.message).toContain(reason)
  })

  test('that has no end is refused by the strict provider as well', async () => {
    const jwksUri = await publish(writeEndlessly)
    const provider = await startProvider({
      clients: [{ clientId: 'app', jwksUri, redirectUris: [redirectUri] }],
    })
    closing.push(() => provider.close())
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: 'app',
      sub: 'app',
      aud: provider.issuer,
      iat: now,
      exp: now + 50,
      jti: 'x',
    }
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const body = new URLSearchParams({
      client_id: 'app',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${encode({ alg: 'ES256', kid: 'new' })}.${encode(claims)}.AAAA`,
    })
    const response = await fetch(`${provider.issuer}/token`, { method: 'POST', body })
    expect(response.status).toBe(401)
    expect(provider.assertions.at(-1)?.refusal).toContain('answered more than 256 kB')
  })
})

describe('a client that is nobody', () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['says nothing', {}, {}],
    ['has an empty name', { client_id: '' }, {}],
    ['has an empty name in the header', {}, { authorization: `Basic ${btoa(':secret')}` }],
  ])('and %s is told that it names no client', async (_what, form, headers) => {
    const { provider } = await startEmulated(presets.criipto)
    closing.push(() => provider.close())
    const body = new URLSearchParams({ grant_type: 'authorization_code', ...form })
    const answer = await fetch(`${provider.issuer}/token`, { method: 'POST', body, headers })
    expect(answer.status).toBe(401)
    expect(provider.refusals).toMatchObject([
      { rule: 'client', message: 'the request names no client: "client_id" is required' },
    ])
  })

  test('and has a name that a terminal would obey is named harmlessly', async () => {
    const { provider, lines } = await startEmulated(presets.criipto)
    closing.push(() => provider.close())
    const body = new URLSearchParams({ client_id: 'a\u009b31m\u202e\u007f\u2028b\nc' })
    await fetch(`${provider.issuer}/token`, { method: 'POST', body })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('no client is registered as "a\\u009b31m\\u202e\\u007f\\u2028b\\nc"')
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })
})
