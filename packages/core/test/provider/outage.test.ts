import * as client from 'openid-client'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ProviderError } from '../../src/errors.ts'
import type { OidcEvent } from '../../src/events.ts'
import { createProvider } from '../../src/provider/discovery.ts'
import { createProviderKeys } from '../../src/provider/json-web-key-set.ts'

const issuer = 'https://op.example'
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
}
const keySet = { keys: [{ kty: 'EC', kid: 'one', crv: 'P-256', x: 'AA', y: 'AA' }] }

/** A provider that can be taken away, and a clock that can be moved. */
function createWorld() {
  const world = {
    now: 1_000_000,
    isDown: false,
    requests: [] as string[],
    events: [] as OidcEvent[],
  }
  const parts = {
    clock: { now: () => world.now },
    emit: (event: OidcEvent) => void world.events.push(event),
    fetch: async (url: string) => {
      world.requests.push(url)
      if (world.isDown) throw new ProviderError('ERR_PROVIDER_TIMEOUT', `${url} did not answer`)
      const body = url.endsWith('/jwks') ? keySet : metadata
      return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
    },
  }
  return { world, parts }
}

const init = { method: 'GET', headers: {}, redirect: 'manual' } as const
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Lets all happen that waits for no timer. */
async function turn(): Promise<void> {
  for (let count = 0; count < 1000; count++) await Promise.resolve()
}

describe('metadata', () => {
  const create = () => {
    const { world, parts } = createWorld()
    const provider = createProvider({
      issuer,
      clientId: 'app',
      clientAuth: client.None(),
      idTokenAlgs: undefined,
      hasAsymmetricIdTokens: true,
      clockTolerance: 30,
      ...parts,
    })
    return { world, provider }
  }

  test('is fetched once, and renewed in the background after an hour', async () => {
    const { world, provider } = create()
    await Promise.all([provider.metadata(), provider.metadata()])
    await provider.metadata()
    expect(world.requests).toHaveLength(1)
    world.now += 3600
    await provider.metadata()
    await settle()
    expect(world.requests).toHaveLength(2)
  })

  test('that is known is used while the provider is away, and asked for once a minute', async () => {
    const { world, provider } = create()
    const known = await provider.metadata()
    world.isDown = true
    world.now += 3600
    for (let request = 0; request < 5; request++) {
      expect(await provider.metadata()).toEqual(known)
      await settle()
    }
    expect(world.requests).toHaveLength(2)
    expect(world.events.at(-1)).toMatchObject({ type: 'discovery.failed', stale: true })
    world.now += 60
    world.isDown = false
    await provider.metadata()
    await settle()
    expect(world.events.at(-1)).toMatchObject({ type: 'discovery.succeeded' })
  })

  test('that cannot be had is an error, which is not remembered', async () => {
    const { world, provider } = create()
    world.isDown = true
    await expect(provider.metadata()).rejects.toMatchObject({ code: 'ERR_PROVIDER_TIMEOUT' })
    world.isDown = false
    await expect(provider.metadata()).resolves.toMatchObject({ issuer })
  })
})

describe('keys', () => {
  afterEach(() => void vi.useRealTimers())

  const create = () => {
    const { world, parts } = createWorld()
    const keys = createProviderKeys(parts)
    const configure = () => new client.Configuration(metadata, 'app')
    const ask = async () => {
      const response = await keys.provide(configure())(metadata.jwks_uri, init)
      return await response.json()
    }
    return { world, keys, configure, ask }
  }

  test('that are known are handed on, old enough that an unknown "kid" asks again', async () => {
    const { keys, configure, ask } = create()
    await ask()
    const configuration = configure()
    keys.provide(configuration)
    const cache = client.getJwksCache(configuration)
    expect(cache?.jwks).toEqual(keySet)
    expect(Math.floor(Date.now() / 1000) - (cache?.uat ?? 0)).toBeGreaterThanOrEqual(60)
  })

  test('that are five minutes old are not handed on', async () => {
    const { world, keys, configure, ask } = create()
    await ask()
    world.now += 300
    const configuration = configure()
    keys.provide(configuration)
    expect(client.getJwksCache(configuration)).toBeUndefined()
  })

  test('that are known are used while the JWK Set cannot be had', async () => {
    const { world, ask } = create()
    await ask()
    world.isDown = true
    world.now += 300
    expect(await ask()).toEqual(keySet)
    expect(world.events.at(-1)).toMatchObject({ type: 'jwks.failed', stale: true })
  })

  test('are asked for once by many at once, however many unknown "kid"s there are', async () => {
    const { world, ask } = create()
    await ask()
    await Promise.all(Array.from({ length: 20 }, ask))
    expect(world.requests).toHaveLength(2)
  })

  test('are not asked for again within a second', async () => {
    const { world, ask } = create()
    // It is the same moment still, however slow the machine is
    vi.useFakeTimers({ toFake: ['performance'] })
    await ask()
    const again = ask()
    await turn()
    expect(world.requests).toHaveLength(1)
    await again
    expect(world.requests).toHaveLength(2)
    vi.advanceTimersByTime(1000)
    const later = ask()
    await turn()
    expect(world.requests).toHaveLength(3)
    await later
  })
})
