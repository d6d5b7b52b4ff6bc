// A js-libp2p node as the commands of peer.mjs want it: identity, transports, security and services by options.
import { readFile } from 'node:fs/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'

const securities = { noise, tls }
const addresses = { tcp: '/ip4/127.0.0.1/tcp/0', ws: '/ip4/127.0.0.1/tcp/0/ws' }

// pick(choices, name, what): the choice of that name, or an error that lists them.
export function pick (choices, name, what) {
  if (Object.hasOwn(choices, name)) return choices[name]
  throw new Error(`unknown ${what} ${name}: expected one of ${Object.keys(choices).join(', ')}`)
}

export const listenAddress = transport => pick(addresses, transport, 'transport')

// The key in the file `key` (libp2p's protobuf), or a new one.
async function identity ({ key, 'key-type': type }) {
  if (key != null) return privateKeyFromProtobuf(await readFile(key))
  return await generateKeyPair(type)
}

export async function startNode (options, { listen = [], announce = [], services = {}, monitor = true } = {}) {
  pick({ yamux }, options.muxer, 'muxer')
  return await createLibp2p({
    privateKey: await identity(options),
    addresses: { listen, appendAnnounce: announce },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [pick(securities, options.security, 'security')()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: monitor },
    services: { identify: identify(), ping: ping(), ...services }
  })
}
