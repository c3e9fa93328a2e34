import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { serve } from './support/doctor-server.ts'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
beforeAll(async () => {
  setting = await startDoctorSetting()
})
afterEach(() => setting.provider.reset())
afterAll(() => setting.close())

describe('the doctor finds a clock', () => {
  test('that is a little ahead', async () => {
    const now = () => Date.now() / 1000 + 8
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 1
        ! Clock           our clock is <time> ahead of the provider's
                          means: Most providers allow 10 s. Some allow none for assertions that come from
                                 the future.
                          do:    Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM
                                 or container that of its host.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is far ahead', async () => {
    const now = () => Date.now() / 1000 + 31
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Clock           our clock is <time> ahead of the provider's
                          means: The client assertion is from the future for the provider: it answers
                                 invalid_client.
                          do:    Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM
                                 or container that of its host.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is far behind', async () => {
    const now = () => Date.now() / 1000 - 31
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Clock           our clock is <time> behind the provider's
                          means: ID Tokens are from the future for us and are refused, and assertions are
                                 half over when they arrive.
                          do:    Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM
                                 or container that of its host.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is far ahead, whatever a cache says of its age', async () => {
    const now = () => Date.now() / 1000 + 31
    for (const age of ['1e9', '999999999', '0x1f', '-31', '31, 31']) {
      await using server = await serve(async (request, response) => {
        const answer = await fetch(setting.provider.issuer + request.url)
        response.setHeader('age', age)
        response.end(await answer.text())
      })
      const text = await setting.examine({ OIDC_ISSUER: server.url }, [], { now })
      expect(text).toContain('Clock           our clock is <time> ahead of the provider')
    }
  })

  test('that differs too little to matter', async () => {
    const now = () => Date.now() / 1000 + 4
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Clock           our clock is <time> ahead of the provider's
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})

describe('the doctor finds a provider', () => {
  test('that does not list private_key_jwt', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Authentication  the provider does not list private_key_jwt, but client_secret_basic,
                          client_secret_post
                          means: A provider that does not take private_key_jwt answers invalid_client at
                                 every login.
                          do:    Look in the provider's settings for private_key_jwt: it may have to be
                                 switched on for this client, or for a plan.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that does not list private_key_jwt, which its documents name', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
    })
    expect(await setting.examine({ OIDC_PROVIDER: 'keycloak' })).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   Keycloak, client "app" with private_key_jwt, at http://app
        ! Authentication  the provider does not list private_key_jwt, but client_secret_basic
                          means: The documents of Keycloak name it: for this tenant or plan it may be
                                 switched off.
                          do:    Run the doctor with --probe: it asks the provider itself.
                          see:   https://www.keycloak.org/docs/latest/server_admin/#_client-credentials
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that lists no way of authentication', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: undefined,
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 1
        ! Authentication  the provider does not list its ways of authentication, which stands for
                          client_secret_basic
                          means: A provider that does not take private_key_jwt answers invalid_client at
                                 every login.
                          do:    Look in the provider's settings for private_key_jwt: it may have to be
                                 switched on for this client, or for a plan.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that does not list the algorithm of the key', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_signing_alg_values_supported: ['RS256', 'PS256'],
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Algorithm       the provider does not list ES256, but RS256, PS256
                          means: It refuses assertions that are signed with another algorithm:
                                 invalid_client.
                          do:    Make a key that fits: npx countersign keygen --alg PS256; an RSA key
                                 that is there signs with OIDC_CLIENT_ALG=PS256.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that writes anything in place of its lists', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: 'private_key_jwt',
      token_endpoint_auth_signing_alg_values_supported: { ES256: [null] },
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 1
        ! Authentication  the provider does not list its ways of authentication, which stands for
                          client_secret_basic
                          means: A provider that does not take private_key_jwt answers invalid_client at
                                 every login.
                          do:    Look in the provider's settings for private_key_jwt: it may have to be
                                 switched on for this client, or for a plan.
        ✔ Algorithm       ES256: the provider does not list its algorithms
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})
