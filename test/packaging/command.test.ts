import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Outcome, run } from '../house/children.ts'
import { root } from '../house/sources.ts'
import { startTestServer, tester } from '../kms/support/aws/test-key-store.ts'
import { install, isRegistryReachable, type Packed, packAll } from './packed.ts'

const scratch = mkdtempSync(join(tmpdir(), 'packaging-command-'))
const cwd = join(scratch, 'project')
let packed: readonly Packed[] = []

const canInstall = process.env['CI'] === 'true' || (await isRegistryReachable())

beforeAll(async () => {
  if (!canInstall) return
  packed = await packAll(scratch)
  await install(cwd, packed, ['countersign'])
})
beforeEach(({ skip }) => skip(!canInstall, "needs npm's registry, which does not answer"))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Runs a command as somebody types it in a project, where npm may fetch nothing and say nothing. */
function type(
  line: string,
  { env = {}, folder = cwd }: { env?: Readonly<Record<string, string>>; folder?: string } = {},
): Promise<Outcome> {
  const npm = {
    npm_config_yes: 'false',
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
  }
  return run(line.split(' '), { cwd: folder, env: { ...npm, NO_COLOR: '1', ...env } })
}

describe('the command, in a project that installed it', () => {
  test('is linked, and says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8'))
    expect(await type('npx countersign --version')).toEqual({
      status: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
  })

  test('lists its commands', async () => {
    const { status, stdout } = await type('npx countersign --help')
    expect(status).toBe(0)
    const commands = ['keygen', 'keys', 'jwks', 'assertion', 'doctor', 'emulator']
    expect(stdout.match(/^ {2}[a-z]+(?= )/gm)?.map((name) => name.trim())).toEqual(commands)
  })

  test('makes a key for its owner alone, prints its public half only, and prints that again', async () => {
    const before = readdirSync(cwd)
    const made = await type('npx countersign keygen --json')
    expect(made).toMatchObject({ status: 0, stderr: '' })
    expect(readdirSync(cwd).filter((name) => !before.includes(name))).toEqual(['client-key.pem'])
    const path = join(cwd, 'client-key.pem')
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    const { d } = createPrivateKey(readFileSync(path)).export({ format: 'jwk' })
    expect(d).toMatch(/^[\w-]{43}$/)
    expect(made.stdout).not.toContain(d)
    expect(made.stdout).not.toContain('PRIVATE KEY')
    const { jwks } = JSON.parse(made.stdout)
    const members = jwks.keys.map((jwk: object) => Object.keys(jwk).sort().join(' '))
    expect(members).toEqual(['alg crv kid kty use x y'])

    const printed = await type('npx countersign jwks file:./client-key.pem')
    expect(printed).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(printed.stdout)).toEqual(jwks)
  })

  test('does not know other commands: a line, and 2', async () => {
    expect(await type('npx countersign docter')).toEqual({
      status: 2,
      stdout: '',
      stderr: "countersign: unknown command 'docter': did you mean doctor?\n",
    })
  })

  test('says that a file of variables is missing, where neither npx nor Node sees the option', async () => {
    expect(await type('npx countersign keygen -e nope.env')).toEqual({
      status: 2,
      stdout: '',
      stderr: `countersign: ${join(cwd, 'nope.env')}: there is no such file or folder (ENOENT)\n`,
    })
  })

  test('says which package keys in a key store need', async () => {
    expect(await type('npx countersign jwks awskms:///alias/login')).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'countersign: "awskms:" keys need the package "@countersign/kms": ' +
        'npm install @countersign/kms\n',
    })
  })
})

test('beside the package of key stores and that of AWS, the command prints a key in AWS KMS', async () => {
  const folder = join(scratch, 'with-key-stores')
  await install(folder, packed, ['countersign', '@countersign/kms', '@aws-sdk/client-kms'])
  const kms = await startTestServer()
  try {
    kms.keys.setAlias('alias/login', kms.keys.createKey('RSA_2048'))
    const env = {
      OIDC_CLIENT_KEY: 'awskms:///alias/login',
      AWS_REGION: kms.region,
      AWS_ENDPOINT_URL: kms.url,
      AWS_ACCESS_KEY_ID: tester.accessKeyId,
      AWS_SECRET_ACCESS_KEY: tester.secretAccessKey,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    }
    const { status, stdout } = await type('npx countersign jwks --pem', { env, folder })
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^-----BEGIN PUBLIC KEY-----\n(?:[\w+/=]+\n)+-----END PUBLIC KEY-----\n$/,
    )
  } finally {
    await kms.close()
  }
})
