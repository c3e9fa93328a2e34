import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { signerContract } from '../../../../test/contract/signer.ts'
import { algorithms, jwsAlgorithms } from '../../src/keys/algorithms.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { detach, generateEc, generateEd25519, generateRsa } from './support/keys.ts'

const rsa = generateRsa()

signerContract({
  name: 'a key in memory',
  algorithms: jwsAlgorithms,
  create: async (alg) => createLocalSigner({ alg, key: generate(alg) }),
})

signerContract({
  name: 'an id-RSASSA-PSS key',
  algorithms: ['PS256', 'PS384', 'PS512'],
  create: async (alg) => {
    const privateKey = detach(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }))
    return createLocalSigner({ alg, key: privateKey })
  },
})

signerContract({
  name: 'an id-RSASSA-PSS key that is bound to its parameters',
  algorithms: ['PS384'],
  create: async (alg) => {
    const privateKey = detach(
      generateKeyPairSync('rsa-pss', {
        modulusLength: 3072,
        hashAlgorithm: 'sha384',
        mgf1HashAlgorithm: 'sha384',
      }),
    )
    return createLocalSigner({ alg, key: privateKey })
  },
})

function generate(alg: keyof typeof algorithms): KeyObject {
  const { keyTypes, curve } = algorithms[alg]
  if (curve !== undefined) return generateEc(curve)
  return keyTypes.includes('ed25519') ? generateEd25519() : rsa
}
