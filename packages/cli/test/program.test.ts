import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createPlace } from './support/run.ts'

const failed = (message: string) => ({
  exitCode: 2,
  stdout: '',
  stderr: `countersign: ${message}\n`,
})

describe('a line that cannot be understood', () => {
  test('names the command that was probably meant', async () => {
    const { run } = createPlace()
    expect(await run('kyegen')).toEqual(failed("unknown command 'kyegen': did you mean keygen?"))
    expect(await run('keys lst')).toEqual(failed("unknown command 'lst': did you mean list?"))
  })

  test('names the option that was probably meant', async () => {
    const { run } = createPlace()
    expect(await run('keygen --sett x')).toEqual(
      failed("unknown option '--sett': did you mean --set?"),
    )
    expect(await run('keys list --jsn')).toEqual(
      failed("unknown option '--jsn': did you mean --json?"),
    )
  })

  test('cannot move the cursor of a terminal', async () => {
    const { run } = createPlace()
    const { stderr } = await run('\u001b[2Jx')
    expect(stderr).toBe("countersign: unknown command '\\u001b[2Jx'\n")
  })
})

describe('a key in place of a word', () => {
  const secret = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg'
  const pem = `-----BEGIN PRIVATE KEY-----\\n${secret}\\n-----END PRIVATE KEY-----\\n`
  const words: readonly (readonly string[])[] = [
    ['jwks', pem],
    ['keys', 'list', pem],
    ['keys', pem],
    [pem],
    ['keygen', pem.replaceAll('\\n', '\n')],
    ['keygen', `--key=${pem}`],
    ['keygen', `--key=${secret}`],
    [secret],
    ['jwks', 'file:./a.pem', secret],
    ['doctor', '--timeout', secret],
    ['doctor', `--timeout=${secret}`],
    ['keys', 'list', `{"kty":"EC","d":"${secret}"}`],
    ['keys', 'list', '--', pem],
    ['keys', 'rotate', `{"keys":[{"kty":"EC","d":"${secret}"}]}`],
    ['keygen', '--out', `-----BEGIN PRIVATE KEY-----\n${secret}`],
    ['keygen', `--set={"kty":"EC","d":"${secret}"}`],
  ]

  test.each(words)('is not repeated: %s %s %s', async (...line) => {
    const { exitCode, stdout, stderr } = await createPlace().type(line)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/^countersign: .*\n$/)
    expect(stderr).not.toMatch(/BEGIN|MIGH/)
  })

  test('is what is wrong with the line', async () => {
    const { type } = createPlace()
    expect(await type(['jwks', pem])).toEqual(failed("unknown option '…'"))
    expect(await type(['keygen', `--key=${secret}`])).toEqual(failed("unknown option '--key=…'"))
    expect(await type(['keys', 'list', `{"d":"${secret}"}`])).toEqual(
      failed('the path of a file is needed, and what is given seems to be a key itself'),
    )
  })
})

test('the help of each command has the options that all commands take', async () => {
  const { run } = createPlace()
  for (const line of ['keygen', 'keys', 'keys list', 'keys rotate', 'jwks', 'doctor', 'emulator']) {
    const { stdout } = await run(`${line} --help`)
    for (const option of ['-e, --env-file <path>', '--json', '--verbose']) {
      expect(stdout.split('Global Options:')[1]).toContain(`\n  ${option} `)
    }
  }
})

describe('the program', () => {
  test('prints its version', async () => {
    const { run } = createPlace()
    const outcome = await run('--version')
    expect(outcome).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    })
  })

  test('prints its help, and on stderr with exit code 2 where no command is given', async () => {
    const { run } = createPlace()
    const asked = await run('--help')
    expect(asked.exitCode).toBe(0)
    expect(asked.stdout).toContain('Usage: countersign [options] [command]')
    expect(asked.stdout).toMatch(/ {2}keygen \[options\] .*\n/)
    const bare = await run('')
    expect(bare).toEqual({ exitCode: 2, stdout: '', stderr: asked.stdout })
    expect((await run('keys')).stderr).not.toContain('help [command]')
  })

  test('takes the options that all commands have before and after the command', async () => {
    const { run } = createPlace()
    const before = await run('--json keygen --out a.pem')
    const after = await run('keygen --out b.pem --json')
    expect(Object.keys(JSON.parse(before.stdout))).toEqual(Object.keys(JSON.parse(after.stdout)))
  })

  test('shows a stack only where it is asked for', async () => {
    const { run } = createPlace()
    const quiet = await run('keys list nothing.json')
    expect(quiet.stderr.split('\n')).toHaveLength(2)
    const { stderr } = await run('--verbose keys list nothing.json')
    expect(stderr).toContain(quiet.stderr)
    expect(stderr).toMatch(/\n {4}at /)
  })

  test('is coloured for terminals, unless NO_COLOR is set, and where FORCE_COLOR is', async () => {
    const { run } = createPlace()
    const red = '\u001b[31m'
    const coloured = async (env: Record<string, string>, isTerminal: boolean) =>
      (await run('keys list nothing.json', { env, isTerminal })).stderr.includes(red)
    expect(await coloured({}, true)).toBe(true)
    expect(await coloured({}, false)).toBe(false)
    expect(await coloured({ NO_COLOR: '1' }, true)).toBe(false)
    expect(await coloured({ NO_COLOR: '' }, true)).toBe(true)
    expect(await coloured({ TERM: 'dumb' }, true)).toBe(false)
    expect(await coloured({ FORCE_COLOR: '1' }, false)).toBe(true)
    expect(await coloured({ FORCE_COLOR: '0' }, true)).toBe(false)
    expect(await coloured({ FORCE_COLOR: 'false' }, true)).toBe(false)
    expect(await coloured({ FORCE_COLOR: '1', NO_COLOR: '1' }, true)).toBe(false)
  })
})

test.each([
  [{ LANG: 'de_DE.UTF-8' }, true],
  [{ LANG: 'C', LC_CTYPE: 'en_US.utf8' }, true],
  [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
  [{ LANG: 'de_DE.UTF-8', TERM: 'linux' }, false],
  [{ LANG: 'de_DE.UTF-8', TERM: 'dumb' }, false],
  [{ WT_SESSION: 'a' }, true],
  [{ TERM_PROGRAM: 'vscode' }, true],
  [{}, false],
])('draws with more than ASCII in a terminal that shows it: %j is %s', async (env, isShown) => {
  const { run } = createPlace()
  await run('keygen --set keys.json')
  const { stdout } = await run('keys list keys.json', { env })
  expect(stdout.includes('█')).toBe(isShown)
})

describe('--env-file', () => {
  test('is read as node reads it, and the environment wins over it', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('a.env'), 'OIDC_PROVIDER="auth0"\nOIDC_BASE_URL=https://a.example # ours\n')
    const fromFile = JSON.parse(
      (await run('--env-file a.env keygen --out a.pem --json', { env: {} })).stdout,
    )
    expect(fromFile.registration.provider).toBe('auth0')
    expect(fromFile.registration.jwksUrl).toBe('https://a.example/.well-known/jwks.json')
    const env = { OIDC_PROVIDER: 'criipto' }
    const fromEnvironment = JSON.parse(
      (await run('--env-file a.env keygen --out b.pem --json', { env })).stdout,
    )
    expect(fromEnvironment.registration.provider).toBe('criipto')
  })

  test('has a short name, which Node does not take for its own option', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('a.env'), 'OIDC_PROVIDER=auth0')
    const { stdout } = await run('keygen --json -e a.env', { env: {} })
    expect(JSON.parse(stdout).registration.provider).toBe('auth0')
  })

  test('may be given more than once: a later file wins', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('a.env'), 'OIDC_PROVIDER=auth0\nOIDC_BASE_URL=https://a.example')
    writeFileSync(path('b.env'), 'OIDC_PROVIDER=signicat')
    const line = 'keygen --json --env-file a.env --env-file b.env'
    const { registration } = JSON.parse((await run(line, { env: {} })).stdout)
    expect(registration).toMatchObject({
      provider: 'signicat',
      jwksUrl: 'https://a.example/.well-known/jwks.json',
    })
  })

  test('that cannot be read is named in one line', async () => {
    const { run, path } = createPlace()
    mkdirSync(path('folder'))
    writeFileSync(path('large.env'), `A=${'x'.repeat(1_000_001)}`)
    expect(await run('--env-file x.env keygen')).toEqual(
      failed(`${path('x.env')}: there is no such file or folder (ENOENT)`),
    )
    expect(await run('--env-file folder keygen')).toEqual(failed('folder is not a file'))
    expect(await run('--env-file large.env keygen')).toEqual(
      failed('large.env is not a file of variables: it has more than 1 MB'),
    )
  })

  test.skipIf(process.getuid?.() === 0)('that this user may not read is named', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('x.env'), '')
    chmodSync(path('x.env'), 0)
    expect(await run('--env-file x.env keygen')).toEqual(
      failed(`${path('x.env')}: this user may not read or write it (EACCES)`),
    )
  })
})
