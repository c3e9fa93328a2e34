/**
 * A black box: the same requests to each example get the same answers, field by field.
 *
 * To compare any other app with the Express example, start it as a client of a provider that this test
 * will start on port 4600, and say where it is:
 *
 *     OIDC_ISSUER=http://127.0.0.1:4600 OIDC_CLIENT_ID=black-box OIDC_CLIENT_KEY=file:./client-key.pem \
 *     OIDC_BASE_URL=http://localhost:3000 OIDC_SESSION_SECRET=$(openssl rand -hex 32) node server.js
 *
 *     BLACK_BOX_URL=http://localhost:3000 npx vitest run --project e2e test/e2e/examples-alike.test.ts
 *
 * All of its answers have to be those of Express. `BLACK_BOX_APP=koa`, or `fastify`, says that it is made
 * with that framework: then the answers of that example will do as well, and no others.
 */

import { startProvider } from '@countersign/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type ExampleName,
  exampleNames,
  registerApp,
  startRegisteredExample,
} from '../support/examples.ts'
import { type Answer, readTranscript, type Transcript } from './support/black-box.ts'

/** Where apps answer otherwise than the Express example, and how. */
interface Difference {
  readonly apps: readonly ExampleName[]
  /** The names of the requests. Default: all that Express answers with these fields. */
  readonly requests?: readonly string[]
  /** The request to which Express gives this very answer. Default: the same. */
  readonly as?: string
  /** The fields that are different; `undefined` where one is absent. */
  readonly fields?: Readonly<Record<string, string | undefined>>
  readonly reason: string
}

const router = 'which other spellings of a path lead to a page is for the router of a framework'
const parser = 'Fastify parses a JSON body before it looks whether anybody wants it'

/** All of them, in the order in which they apply. They are explained in docs/frameworks.md, too. */
const differences: readonly Difference[] = [
  {
    apps: ['koa', 'fastify'],
    requests: ['HEAD /logout'],
    fields: { 'header content-length': undefined },
    reason: 'an answer to HEAD may leave it out (RFC 9110, 8.6), and the body of this one is empty',
  },
  {
    apps: ['fastify'],
    requests: ['/profile/ in a browser', '/PROFILE in a browser'],
    as: '/nowhere in a browser',
    reason: router,
  },
  {
    apps: ['fastify'],
    requests: ['/profile/, signed in', '/PROFILE, signed in'],
    as: '/nowhere, signed in',
    reason: router,
  },
  {
    apps: ['fastify'],
    requests: ['/%70rofile in a browser'],
    as: '/PROFILE in a browser',
    reason: router,
  },
  {
    apps: ['fastify'],
    requests: ['/%70rofile, signed in'],
    as: '/PROFILE, signed in',
    reason: router,
  },
  {
    apps: ['fastify'],
    requests: ['/%zz in a browser', '/%zz, signed in'],
    fields: {
      status: '400',
      'header content-type': 'application/json',
      'header cache-control': undefined,
      'header content-security-policy': undefined,
      'header referrer-policy': undefined,
      'header x-content-type-options': undefined,
      body: '{"error":"Bad Request","code":"FST_ERR_BAD_URL","message":"\'/%zz\' is not a valid url component","statusCode":400}',
    },
    reason: `${router}, and Fastify's own answers without a hook where a path cannot be decoded`,
  },
  {
    apps: ['fastify'],
    fields: { 'header keep-alive': 'timeout=72' },
    reason:
      'of one connection, not of an answer: Fastify keeps idle ones for 72 seconds, Node for 5',
  },
  {
    apps: ['fastify'],
    requests: ['broken JSON to /', 'broken JSON to /profile', 'broken JSON to /nowhere'],
    fields: {
      'header connection': 'close',
      'header keep-alive': undefined,
      status: '400',
      'header content-type': 'application/json; charset=utf-8',
      body: '{"statusCode":400,"code":"FST_ERR_CTP_INVALID_JSON_BODY","error":"Bad Request","message":"Body is not valid JSON but content-type is set to \'application/json\'"}',
    },
    reason: parser,
  },
]

const blackBoxUrl = process.env['BLACK_BOX_URL']
const others =
  blackBoxUrl === undefined ? exampleNames.slice(1) : [readName(process.env['BLACK_BOX_APP'])]

function readName(name = 'express'): ExampleName {
  const found = exampleNames.find((known) => known === name)
  if (found) return found
  throw new Error(`"BLACK_BOX_APP" has to be one of ${exampleNames.join(', ')}, and is "${name}"`)
}

describe('the answers of the Express example', () => {
  let express: Transcript
  const transcripts = new Map<ExampleName, Transcript>()

  beforeAll(async () => {
    const port = blackBoxUrl === undefined ? 0 : 4600
    const provider = await startProvider({ interaction: 'auto', port })

    async function readExample(name: ExampleName): Promise<Transcript> {
      const example = await startRegisteredExample(name, provider)
      return await readTranscript(example.url).finally(example.stop)
    }

    async function readBlackBox(rawUrl: string): Promise<Transcript> {
      const url = rawUrl.replace(/\/$/, '')
      await registerApp(provider, 'black-box', url)
      return await readTranscript(url)
    }

    try {
      express = await readExample('express')
      for (const name of others) {
        transcripts.set(name, await (blackBoxUrl ? readBlackBox(blackBoxUrl) : readExample(name)))
      }
    } finally {
      await provider.close()
    }
  }, 60_000)

  test.each(others)('are those of %s, but for what is explained', (name) => {
    const faults = [...express].flatMap(([request, answer]) => {
      const actual = find(name, request)
      // An app of the same framework need not differ where our example does
      const allowed = [buildExpected(name, request), ...(blackBoxUrl ? [answer] : [])]
      return compare(allowed, actual).map((fault) => `${request} › ${fault}`)
    })
    expect(faults).toEqual([])
    expect([...(transcripts.get(name) ?? []).keys()]).toEqual([...express.keys()])
  })

  const examples = blackBoxUrl === undefined ? others : []

  test.for(examples)('differ from those of %s wherever a reason says so', (name) => {
    const own = differences.filter(({ apps }) => apps.includes(name))
    const stale = own.flatMap((difference) =>
      namesOf(difference)
        .filter((request) => isSame(difference, express.get(request), find(name, request)))
        .map((request) => `${request}: ${difference.reason}`),
    )
    expect(stale).toEqual([])
  })

  test.each(others)('show the claims to nobody anonymous, like those of %s', (name) => {
    const isTold = (request: string) => find(name, request)['body']?.includes('ada@example.com')
    const requests = [...express.keys()]
    const first = requests.findIndex((request) => request.startsWith('sign-in: '))
    const anonymous = requests.slice(0, first)
    expect(anonymous).toContain('/%70rofile in a browser')
    expect(anonymous.filter(isTold)).toEqual([])
    expect(requests.filter(isTold)).toContain('/profile, signed in')
  })

  function find(name: ExampleName, request: string): Answer {
    return transcripts.get(name)?.get(request) ?? {}
  }

  function namesOf({ requests, fields = {} }: Difference): readonly string[] {
    const hasThem = (answer: Answer) => Object.keys(fields).every((field) => field in answer)
    return requests ?? [...express].filter(([, answer]) => hasThem(answer)).map(([name]) => name)
  }

  function buildExpected(name: ExampleName, request: string): Answer {
    let expected = express.get(request) ?? {}
    for (const difference of differences) {
      const { apps, as = request, fields = {} } = difference
      if (!apps.includes(name) || !namesOf(difference).includes(request)) continue
      const base = as === request ? expected : (express.get(as) ?? {})
      const merged = Object.entries({ ...base, ...fields })
      expected = Object.fromEntries(
        merged.flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])),
      )
    }
    return expected
  }
})

/** Whether an app answers as Express does, in one of the fields in which it should not. */
function isSame({ fields }: Difference, express: Answer = {}, actual: Answer): boolean {
  const names = Object.keys(fields ?? { ...express, ...actual })
  const same = names.filter((field) => express[field] === actual[field])
  return fields ? same.length > 0 : same.length === names.length
}

/** The fields that are in none of the answers as they are here, with the first one's value. */
function compare(allowed: readonly Answer[], actual: Answer): readonly string[] {
  const [expected = {}] = allowed
  return Object.keys({ ...expected, ...actual })
    .filter((field) => allowed.every((answer) => answer[field] !== actual[field]))
    .map((field) => write(field, expected[field], actual[field]))
}

function write(field: string, expected = '(absent)', actual = '(absent)'): string {
  // A page is long: from a little before they part
  const parting = [...expected].findIndex((character, index) => character !== actual[index])
  const cut = (text: string) => text.slice(Math.max(0, parting - 40), Math.max(0, parting) + 80)
  return `${field}: expected ${cut(expected)}, got ${cut(actual)}`
}
