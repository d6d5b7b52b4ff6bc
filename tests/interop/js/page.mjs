// The web page of browse.mjs, bundled by ../prepare: js-libp2p as web pages have it.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

// dial(MULTIADDR): connects, pings, and says how that went in the words of `js-peer dial`.
globalThis.dial = async address => {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false }, // by default pages dial no private addresses
    services: { identify: identify(), ping: ping() }
  })
  const signal = AbortSignal.timeout(30_000)
  const connection = await node.dial(multiaddr(address), { signal })
  const pong = await node.services.ping.ping(connection.remotePeer, { signal })
  const kind = `${connection.encryption} ${connection.multiplexer}`
  await node.stop()
  return [`remote ${connection.remoteAddr}`, `connection ${kind}`, `pong ${pong}`]
}
