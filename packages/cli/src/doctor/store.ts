/**
 * Whether the session store that the environment names can be reached.
 *
 * @module
 */

import type { Environment } from '../environment.ts'
import { fault, type Result } from './finding.ts'
import { describeNetworkFailure, readCode } from './network-failure.ts'
import { type Greeted, type Greeting, greetPostgres, greetRedis } from './store-greeting.ts'
import { shorten } from './untrusted.ts'

/** Where the check is made. */
export interface StoreSetting {
  readonly env: Environment
  readonly cwd: string
  readonly milliseconds: number
}

interface Kind {
  readonly name: string
  readonly variable: string
  readonly schemes: readonly string[]
  readonly example: string
  readonly greet: (greeting: Greeting) => Promise<Greeted>
}

const redis: Kind = {
  name: 'Redis',
  variable: 'REDIS_URL',
  schemes: ['redis:', 'rediss:'],
  example: 'redis://localhost:6379',
  greet: greetRedis,
}

const postgres: Kind = {
  name: 'PostgreSQL',
  variable: 'DATABASE_URL',
  schemes: ['postgres:', 'postgresql:'],
  example: 'postgres://user@localhost:5432/app',
  greet: greetPostgres,
}

/** Greets the store that the app would use, by the variables of the examples. */
export async function examineStore({ env, cwd, milliseconds }: StoreSetting): Promise<Result> {
  const chosen = env['SESSION_STORE']
  if (chosen && chosen !== 'memory') {
    return fault('broken', 'SESSION_STORE names a store that there is not', {
      means:
        'It can be "memory", or be left away: REDIS_URL and DATABASE_URL name a store as well.',
      fix: 'Remove it, or set it to "memory".',
    })
  }
  if (chosen) {
    return fault('warning', 'sessions are in the memory of one process (SESSION_STORE=memory)', {
      means: 'A restart signs everybody out, and a second replica knows nobody of the first.',
      fix: 'For more than development set REDIS_URL or DATABASE_URL, or leave all three away: then sessions are in sealed cookies.',
    })
  }
  for (const kind of [redis, postgres]) {
    const url = env[kind.variable]
    if (url) return await greet(kind, { url, cwd, milliseconds })
  }
  return { seen: 'none: sessions are in sealed cookies' }
}

async function greet(
  { name, variable, schemes, example, greet }: Kind,
  greeting: Greeting,
): Promise<Result> {
  if (!URL.canParse(greeting.url) || !schemes.includes(new URL(greeting.url).protocol)) {
    // The value is not shown: it may be a password
    return fault('broken', `${variable} is no URL of ${name}`, {
      means: 'The app cannot find its store.',
      fix: `It looks like this: ${example}`,
    })
  }
  const place = describePlace(greeting.url)
  try {
    const { how, missing } = await greet(greeting)
    const seen = `${place} answers (${how})`
    const facts = { place, how }
    if (missing === undefined || new URL(greeting.url).password === '') return { seen, facts }
    return describeUntried({ seen, missing, variable }, facts)
  } catch (error) {
    return describeFailure({ name, variable, place }, error, greeting.url)
  }
}

/** Who only connects says no password. */
function describeUntried(
  {
    seen,
    missing,
    variable,
  }: { readonly seen: string; readonly missing: string; readonly variable: string },
  facts: Result['facts'],
): Result {
  return fault(
    'warning',
    `${seen}; the password in ${variable} was not tried`,
    {
      means: `The package "${missing}" is not to be had from this folder. If the password is wrong, nobody can sign in.`,
      fix: `Run the doctor in the folder of the app, where "${missing}" is installed.`,
    },
    facts,
  )
}

function describeFailure(
  { name, variable, place }: Pick<Kind, 'name' | 'variable'> & { readonly place: string },
  error: unknown,
  url: string,
): Result {
  if (error instanceof URIError) {
    return fault('broken', `${variable} has a % that begins no character`, {
      means: 'The app cannot read its user and its password, and does not start.',
      fix: 'In a URL a % is written %25, and what is special with % and two digits: "p%zz" is "p%25zz".',
    })
  }
  const code = readCode(error)
  const text = error instanceof Error ? error.message : ''
  const consequence = 'Nobody can sign in, and who is signed in gets 503 until it is back.'
  if (/^(?:NOAUTH|WRONGPASS)/.test(text) || code === '28P01' || code === '28000') {
    return fault('broken', `${place} refuses the user or the password`, {
      means: consequence,
      fix: `Compare the user and the password in ${variable}; what is special in a URL is written with %.`,
    })
  }
  if (code === '3D000') {
    return fault('broken', `${place} has no such database`, {
      means: consequence,
      fix: `Create it, or correct the name at the end of ${variable}.`,
    })
  }
  const failure = describeNetworkFailure(error)
  return fault(
    'broken',
    `${place} cannot be reached: ${hidePassword(shorten(failure.seen), url)}`,
    {
      means: `${consequence} ${failure.means}`,
      fix: `Look whether ${name} runs, and compare ${variable} with where it is.`,
    },
  )
}

/** A URL without what is secret in it. */
function describePlace(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

function hidePassword(text: string, url: string): string {
  const { password } = new URL(url)
  const forms = [password, decode(password)].filter((form) => form !== '')
  return forms.reduce((hidden, form) => hidden.replaceAll(form, '…'), text)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
