import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type DoctorSetting, startDoctorSetting } from '../e2e/support/doctor-setting.ts'
import type { KmsKey } from './support/aws/kms-keys.ts'
import type { KmsServer } from './support/aws/kms-server.ts'
import {
  allActions,
  startTestServer,
  stubCredentials,
  tester,
} from './support/aws/test-key-store.ts'

let setting: DoctorSetting
let kms: KmsServer
let key: KmsKey
beforeAll(async () => {
  setting = await startDoctorSetting()
  kms = await startTestServer()
})
beforeEach(() => {
  stubCredentials(tester)
  vi.stubEnv('AWS_REGION', kms.region)
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', kms.url)
  key = kms.keys.createKey('ECC_NIST_P256')
  kms.keys.setAlias('alias/login', key)
})
afterEach(() => {
  kms.recover()
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await kms.close()
  await setting.close()
})

/** The doctor with the key in the key store, where all else is as it was. */
async function examine(name = 'alias/login', flags: readonly string[] = []): Promise<string> {
  const text = await setting.examine({ OIDC_CLIENT_KEY: `awskms:///${name}` }, flags)
  return text.replace(/"[\w-]{43}"/g, '"<its kid>"')
}

test('the doctor finds a key that this process may not use', async () => {
  key.denied = allActions
  expect(await examine()).toMatchInlineSnapshot(`
    "exit code 2
      – Algorithm       skipped: see Key
      ✖ Key             awskms:///alias/login may not be used: allow this process kms:GetPublicKey and
                        kms:Sign, and of several names kms:DescribeKey too, on the key itself, not on
                        the alias, in its IAM policy or in the key policy
                        means: The key store knows this process, and does not let it use this key.
                        do:    Grant what the message names to the identity that the app runs as, for
                               this one key.
      – Assertion       skipped: see Key
      ✔ JWK Set         http://app/.well-known/jwks.json has one key; which one signs is
                        not known
    1 broken, 8 well, 2 skipped in <time>
      Whether the provider knows the key: countersign doctor --probe"
  `)
})

test('the doctor finds a key that may be looked at, but not sign', async () => {
  key.denied = ['Sign']
  expect(await examine('alias/login', ['--probe'])).toMatchInlineSnapshot(`
    "exit code 2
      – Algorithm       skipped: see Key
      ✖ Key             awskms:///alias/login may not be used: allow this process kms:GetPublicKey and
                        kms:Sign, and of several names kms:DescribeKey too, on the key itself, not on
                        the alias, in its IAM policy or in the key policy
                        means: The key store knows this process, and does not let it use this key.
                        do:    Grant what the message names to the identity that the app runs as, for
                               this one key.
      – Assertion       skipped: see Key
      ✖ JWK Set         http://app/.well-known/jwks.json has one key
                        the key that signs, "<its kid>", is not among
                        "<kid>"
                        means: The provider does not find the key that an assertion names:
                               invalid_client.
                        do:    Compare OIDC_CLIENT_KEY of the app with the one here, and restart the
                               app if it changed.
      – Registration    skipped: see Key
    2 broken, 7 well, 3 skipped in <time>"
  `)
})

test('the doctor finds that there is no such key', async () => {
  expect(await examine('alias/logim')).toMatchInlineSnapshot(`
    "exit code 2
      – Algorithm       skipped: see Key
      ✖ Key             awskms:///alias/logim does not exist: check its name ("alias/..." of an alias),
                        and the account and region that it is in
                        means: There is no such key: another region, project, vault or token, or a
                               misspelt name.
                        do:    Compare OIDC_CLIENT_KEY with the name of the key in its store, region
                               included.
      – Assertion       skipped: see Key
      ✔ JWK Set         http://app/.well-known/jwks.json has one key; which one signs is
                        not known
    1 broken, 8 well, 2 skipped in <time>
      Whether the provider knows the key: countersign doctor --probe"
  `)
})

test('the doctor finds a key that is switched off', async () => {
  key.state = 'Disabled'
  expect(await examine()).toMatchInlineSnapshot(`
    "exit code 2
      – Algorithm       skipped: see Key
      ✖ Key             awskms:///alias/login is disabled: enable it, or point the alias at another key
                        means: The key is there, and switched off or about to be destroyed.
                        do:    Switch it on again, or name another key; a new one must be registered at
                               the provider first.
      – Assertion       skipped: see Key
      ✔ JWK Set         http://app/.well-known/jwks.json has one key; which one signs is
                        not known
    1 broken, 8 well, 2 skipped in <time>
      Whether the provider knows the key: countersign doctor --probe"
  `)
})

test('the doctor finds credentials that are wrong', async () => {
  stubCredentials({ ...tester, secretAccessKey: 'wrong-secret' })
  vi.stubEnv('AWS_REGION', kms.region)
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', kms.url)
  const text = await examine()
  expect(text).not.toContain('wrong-secret')
  expect(text).toMatchInlineSnapshot(`
    "exit code 2
      – Algorithm       skipped: see Key
      ✖ Key             awskms:///alias/login was asked for with no valid credentials: AWS knows no
                        such access key, session or signature: check the credentials and their end
                        means: The key store does not know who this process is: no credentials, wrong
                               ones, or old ones.
                        do:    Give this process the credentials of the app: the doctor must run where
                               the app runs.
      – Assertion       skipped: see Key
      ✔ JWK Set         http://app/.well-known/jwks.json has one key; which one signs is
                        not known
    1 broken, 8 well, 2 skipped in <time>
      Whether the provider knows the key: countersign doctor --probe"
  `)
})

test('the doctor finds that nobody answers for the key store', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'http://127.0.0.1:1')
  expect(await examine()).toMatchInlineSnapshot(`
    "exit code 2
      – Algorithm       skipped: see Key
      ✖ Key             awskms:///alias/login cannot be asked for: check that the key store is up, and
                        the network to it
                        means: The key store cannot be reached from here, or is out of order.
                        do:    Look at the network, the proxy and the status page of the key store.
      – Assertion       skipped: see Key
      ✔ JWK Set         http://app/.well-known/jwks.json has one key; which one signs is
                        not known
    1 broken, 8 well, 2 skipped in <time>
      Whether the provider knows the key: countersign doctor --probe"
  `)
})
