// A go-libp2p peer as a program: see ../README.md for the commands. Not part of swage, and nothing of swage is in it.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ipshipyard/p2p-forge/client"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multiaddr"
)

var commands = map[string]func(options, []string) error{
	"listen": listen, "dial": dial, "register": register, "autotls": autotls,
}

func main() {
	options, positionals := parse(os.Args[1:])
	if err := run(options, positionals); err != nil {
		fmt.Println("failed:", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

func run(o options, positionals []string) error {
	if len(positionals) == 0 {
		return fmt.Errorf("expected a command")
	}
	command, err := pick(commands, positionals[0], "command")
	if err != nil {
		return err
	}
	return command(o, positionals[1:])
}

type options struct {
	transport, security, muxer, keyType, key, host, token string
	broker, domain, acme, storage                         string
}

// parse reads options before, between and after the positional arguments.
func parse(arguments []string) (o options, positionals []string) {
	flags := flag.NewFlagSet("go-peer", flag.ExitOnError)
	flags.StringVar(&o.transport, "transport", "tcp", "tcp or ws: what to listen on")
	flags.StringVar(&o.security, "security", "noise", "noise or tls")
	flags.StringVar(&o.muxer, "muxer", "yamux", "yamux")
	flags.StringVar(&o.keyType, "key-type", "Ed25519", "of the new identity: Ed25519, RSA, secp256k1 or ECDSA")
	flags.StringVar(&o.key, "key", "", "a file with the identity, as libp2p's protobuf")
	flags.StringVar(&o.host, "host", "", "register: the Host of the request, if not the URL's")
	flags.StringVar(&o.token, "token", "", "register: the access token")
	flags.StringVar(&o.broker, "broker", "", "autotls: the broker's URL")
	flags.StringVar(&o.domain, "domain", "", "autotls: the forge's domain")
	flags.StringVar(&o.acme, "acme", "", "autotls: the ACME directory's URL")
	flags.StringVar(&o.storage, "storage", "", "autotls: where certificates are kept")
	for len(arguments) > 0 {
		_ = flags.Parse(arguments)
		if flags.NArg() == 0 {
			break
		}
		positionals = append(positionals, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
	return o, positionals
}

// pick is the choice of that name, or an error that lists them.
func pick[T any](choices map[string]T, name, what string) (T, error) {
	if choice, ok := choices[name]; ok {
		return choice, nil
	}
	var none T
	names := strings.Join(slices.Sorted(maps.Keys(choices)), ", ")
	return none, fmt.Errorf("unknown %s %s: expected one of %s", what, name, names)
}

func listen(o options, addresses []string) error {
	if len(addresses) == 0 {
		address, err := pick(listenAddresses, o.transport, "transport")
		if err != nil {
			return err
		}
		addresses = []string{address}
	}
	node, err := startNode(o, addresses...)
	if err != nil {
		return err
	}
	defer node.Close()
	for _, address := range node.Addrs() {
		fmt.Printf("%s/p2p/%s\n", address, node.ID())
	}
	fmt.Println("ready")
	waitUntilTold()
	return nil
}

// waitUntilTold returns at SIGTERM, or at the end of standard input if that is a pipe.
func waitUntilTold() {
	end := make(chan os.Signal, 2)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	if stdin, err := os.Stdin.Stat(); err == nil && stdin.Mode()&os.ModeNamedPipe != 0 {
		go func() {
			buffer := make([]byte, 512)
			for err := error(nil); err == nil; {
				_, err = os.Stdin.Read(buffer)
			}
			end <- syscall.SIGTERM
		}()
	}
	<-end
}

func dial(o options, positionals []string) error {
	if len(positionals) != 1 {
		return fmt.Errorf("expected one multiaddr with /p2p/ID")
	}
	target, err := peer.AddrInfoFromString(positionals[0])
	if err != nil {
		return err
	}
	node, err := startNode(o)
	if err != nil {
		return err
	}
	defer node.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := node.Connect(ctx, *target); err != nil {
		return err
	}
	return pingAndIdentify(ctx, node, target.ID)
}

func pingAndIdentify(ctx context.Context, node host.Host, remote peer.ID) error {
	connection := node.Network().ConnsToPeer(remote)[0]
	state := connection.ConnState()
	fmt.Println("connection", state.Security, state.StreamMultiplexer)
	pong := <-ping.Ping(ctx, node, remote)
	if pong.Error != nil {
		return pong.Error
	}
	fmt.Println("pong", pong.RTT.Milliseconds())
	<-node.(interface{ IDService() identify.IDService }).IDService().IdentifyWait(connection)
	agent, err := node.Peerstore().Get(remote, "AgentVersion")
	if err != nil {
		return err
	}
	fmt.Println("agent", agent)
	return nil
}

// register sends BROKER VALUE MULTIADDR… as the AutoTLS client of Go nodes does. SSL_CERT_FILE names authorities.
func register(o options, positionals []string) error {
	if len(positionals) < 2 {
		return fmt.Errorf("expected the broker's URL, a value, multiaddrs")
	}
	key, err := identity(o)
	if err != nil {
		return err
	}
	var addresses []multiaddr.Multiaddr
	for _, text := range positionals[2:] {
		address, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return err
		}
		addresses = append(addresses, address)
	}
	setHost := func(request *http.Request) error {
		if o.host != "" {
			request.Host = o.host
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err = client.SendChallenge(ctx, positionals[0], key, positionals[1], addresses, o.token, "", setHost)
	if err != nil {
		return err
	}
	id, err := peer.IDFromPrivateKey(key)
	fmt.Println("registered", id)
	return err
}
