import { ProviderError } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { expect, test } from 'vitest'
import { examineDiscovery } from '../src/doctor/discovery.ts'
import { takeApart } from './support/doctor.ts'

const { privateKeyPem } = await generateClientKey('EdDSA')

test.each([401, 403, 407])(
  'metadata that are answered with %i are kept from us',
  async (status) => {
    const examination = takeApart({ OIDC_CLIENT_KEY: privateKeyPem })
    const headers = new Headers()
    const answer = { status, headers, text: '', sentAt: 0, receivedAt: 0 }
    const { seen, problems } = await examineDiscovery({
      ...examination,
      metadataAnswer: async () => answer,
      inspection: {
        ...examination.inspection,
        metadata: () => Promise.reject(new ProviderError('ERR_DISCOVERY', 'no metadata')),
      },
    })
    expect(seen).toBe(`${examination.metadataUrl} answers ${status}: it is not for everybody`)
    expect(problems?.map(({ fix }) => fix)).toEqual([
      'Have the network or the proxy let this machine through, as it must let the app.',
    ])
  },
)
