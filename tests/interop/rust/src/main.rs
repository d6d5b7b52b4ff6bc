// A rust-libp2p peer as a program: see ../README.md for `listen`, the one command that it has. Not part of swage, and
// nothing of swage is in it. What goes wrong with a connection is a line of its log that has WARN in it.
use std::error::Error;

use libp2p::{
    futures::StreamExt,
    identify, identity, noise, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, tls, yamux, Multiaddr, Swarm, SwarmBuilder,
};
use tracing_subscriber::EnvFilter;

#[derive(NetworkBehaviour)]
struct Services {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

fn services(key: &identity::Keypair) -> Services {
    let config = identify::Config::new("/ipfs/0.1.0".into(), key.public())
        .with_agent_version("rust-libp2p/interop".into());
    Services {
        identify: identify::Behaviour::new(config),
        ping: ping::Behaviour::default(),
    }
}

fn start(key: identity::Keypair, security: &str) -> Result<Swarm<Services>, Box<dyn Error>> {
    let builder = SwarmBuilder::with_existing_identity(key).with_tokio();
    let swarm = match security {
        "noise" => builder
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
            .with_behaviour(services)?
            .build(),
        "tls" => builder
            .with_tcp(tcp::Config::default(), tls::Config::new, yamux::Config::default)?
            .with_behaviour(services)?
            .build(),
        _ => return Err(format!("unknown security {security}: expected one of noise, tls").into()),
    };
    Ok(swarm)
}

// The value of an option that is given; there is no other form of arguments.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|each| each != name).nth(1)
}

async fn listen() -> Result<(), Box<dyn Error>> {
    let key = match option("--key") {
        Some(file) => identity::Keypair::from_protobuf_encoding(&std::fs::read(file)?)?,
        None => identity::Keypair::generate_ed25519(),
    };
    let security = option("--security").unwrap_or("noise".into());
    let mut swarm = start(key, &security)?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse::<Multiaddr>()?)?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                println!("{address}/p2p/{}\nready", swarm.local_peer_id());
            }
            SwarmEvent::IncomingConnectionError { error, .. } => eprintln!("WARN incoming: {error:?}"),
            SwarmEvent::Behaviour(ServicesEvent::Identify(identify::Event::Error { error, .. })) => {
                eprintln!("WARN identify: {error:?}");
            }
            _ => {}
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    if let Err(error) = listen().await {
        println!("failed: {error}");
        std::process::exit(1);
    }
}
