package main

import (
	"crypto/rand"
	"os"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

var listenAddresses = map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "ws": "/ip4/127.0.0.1/tcp/0/ws"}

var securities = map[string]libp2p.Option{
	"noise": libp2p.Security(noise.ID, noise.New),
	"tls":   libp2p.Security(libp2ptls.ID, libp2ptls.New),
}

var muxers = map[string]libp2p.Option{"yamux": libp2p.Muxer(yamux.ID, yamux.DefaultTransport)}

var keyTypes = map[string]int{
	"Ed25519": crypto.Ed25519, "RSA": crypto.RSA, "secp256k1": crypto.Secp256k1, "ECDSA": crypto.ECDSA,
}

// identity is the key in the file of --key, or a new one.
func identity(o options) (crypto.PrivKey, error) {
	if o.key != "" {
		bytes, err := os.ReadFile(o.key)
		if err != nil {
			return nil, err
		}
		return crypto.UnmarshalPrivateKey(bytes)
	}
	kind, err := pick(keyTypes, o.keyType, "key type")
	if err != nil {
		return nil, err
	}
	key, _, err := crypto.GenerateKeyPairWithReader(kind, 2048, rand.Reader)
	return key, err
}

// startNode is a host with one security protocol, both transports, and nothing that runs in the background. It listens
// on what is given, and on nothing else.
func startNode(o options, listen ...string) (host.Host, error) {
	key, err := identity(o)
	if err != nil {
		return nil, err
	}
	security, err := pick(securities, o.security, "security")
	if err != nil {
		return nil, err
	}
	muxer, err := pick(muxers, o.muxer, "muxer")
	if err != nil {
		return nil, err
	}
	addresses := libp2p.NoListenAddrs
	if len(listen) > 0 {
		addresses = libp2p.ListenAddrStrings(listen...)
	}
	return libp2p.New(
		libp2p.Identity(key), addresses, security, muxer,
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(websocket.New),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.UserAgent("go-libp2p/interop"), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery())
}
