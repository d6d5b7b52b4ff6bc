// A dns process: answers queries on the sockets it inherited, from memory alone. It opens nothing, connects nowhere
// and can be replaced at any time. It has UDP sockets or TCP listeners: a handshake of TLS or a transfer, which cost as
// much as a hundred queries over UDP, never keep one of these waiting.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "core/async/loop.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/configuration.h"
#include "core/server/fetch_client.h"
#include "core/server/privileges.h"
#include "core/server/sandbox.h"
#include "core/server/switches.h"
#include "core/server/tcp_server.h"
#include "core/server/udp_listener.h"
#include "core/server/versions.h"

namespace swage::server {
namespace {

class DnsChild {
 public:
  DnsChild(Channel channel, Role role) : channel_(std::move(channel)), role_(role) {}

  Result<> set_up(std::span<const PluginType> built_in, config::Translations translations) {
    TRY(Inheritance inheritance, receive_inheritance(channel_));
    pulse_ = std::move(inheritance.pulse);
    responder_.work_in(pulse_.rest());
    responder_.count_in(*inheritance.metrics);
    // What crashes when it is loaded has done so in the service process, which came first.
    TRY(plugins_, PluginChain::of(built_in, inheritance.libraries, PluginChain::Load::libraries));
    TRY(configuration_, configure(inheritance.sources, inheritance.corefile, plugins_.types(), inheritance.default_port,
                                  std::move(inheritance.metrics), translations));
    responder_.show_unrouted(configuration_.server->unrouted.get());
    configuration_.services.clear();
    configuration_.fetchers.clear();
    fetch_client_.emplace(loop_, responder_, configuration_.fetches, *configuration_.metrics, [this] { receive(); });
    for (message::FetchLine& line : inheritance.fetch_lines) fetch_client_->connect(line.by, std::move(line.socket));
    for (auto& [name, memory] : inheritance.memories) {
      const Result<> taken = take_memory(name, std::move(memory));
      // A process without memory that lasts serves all the rest.
      if (!taken && name.kind == MemoryKind::snapshot) return taken;
      if (!taken) complain(name, taken.error());
    }
    for (message::OwnPiece& piece : inheritance.own_pieces) TRY(configuration_.take(std::move(piece)));
    for (message::WorkerPiece& piece : inheritance.worker_pieces) take(std::move(piece));
    versions::note(configuration_);
    responder_.protect(configuration_);
    const auto is_encrypted = [](const auto& each) { return each.second.scheme != Scheme::dns; };
    if (std::ranges::any_of(configuration_.listeners, is_encrypted)) tcp_turns_.count_in(*configuration_.metrics);
    for (message::Socket& socket : inheritance.sockets) TRY(listen(std::move(socket)));
    TRY(confine(Role::Kind::dns));
    return {};
  }

  void run() {
    async::Poll messages(loop_, channel_.socket().get(), [this] { receive(); });
    const Heart heart(loop_, pulse_, *configuration_.metrics);
    channel_.send(message::Ready{});
    receive();  // what was published while it was set up comes before the first query
    loop_.run();
    responder_.show_unrouted(nullptr);
    configuration_.blocks.clear();  // plugins may have last words
  }

  Channel& channel() { return channel_; }

 private:
  struct Udp {
    Udp(DnsChild& child, message::Socket inherited, const Router& router)
        : listener(std::move(inherited.socket), inherited.endpoint, router, child.responder_, *child.batch_) {
      poll.emplace(child.loop_, listener.fd(), [this] { listener.serve(); });
    }
    UdpListener listener;
    std::optional<async::Poll> poll;
  };

  Result<> listen(message::Socket inherited) {
    const auto listener = configuration_.listeners.find(inherited.endpoint);
    if (listener == configuration_.listeners.end()) {
      return fail("no server block listens on {}", inherited.endpoint.to_string());
    }
    if (inherited.transport == Transport::udp) {
      udp_.push_back(std::make_unique<Udp>(*this, std::move(inherited), listener->second));
    } else {
      tcp_.push_back(std::make_unique<TcpServer>(tcp_turns_, std::move(inherited.socket), listener->second));
    }
    return {};
  }

  Result<> take_memory(const MemoryName& of, Descriptor memory) {
    const bool is_snapshot = of.kind == MemoryKind::snapshot;
    const auto snapshot = configuration_.snapshots.find(of.name);
    const auto shared = configuration_.shared.find(of.name);
    if (is_snapshot ? snapshot == configuration_.snapshots.end() : shared == configuration_.shared.end()) return {};
    TRY(shm::Mapping mapping,
        shm::Mapping::open_sealed(std::move(memory), is_snapshot ? shm::Seal::whole : shm::Seal::elsewhere));
    mapping.close_descriptor();
    if (is_snapshot) {
      snapshot->second->replace(std::move(mapping));
      if (of.name == Switches::kName) obey(Switches::read(snapshot->second->bytes()));
    } else {
      shared->second->replace(std::move(mapping));
    }
    return {};
  }

  void obey(const Switches& switches) {
    if (switches.level) log::set_level(*switches.level);
    responder_.show_all(nullptr);
    query_log_ = make_query_log(switches);
    responder_.show_all(query_log_.get());
  }

  void complain(const MemoryName& of, const Error& error) const {
    log::error("{}: {}: {}", role_.name(), of.name, error.text());
  }

  void receive() {
    const Result<> received = channel_.receive([this](Packet packet) {
      decode<ToDns>(std::move(packet), [this](auto message) { take(std::move(message)); });
      return true;
    });
    if (!received) loop_.stop();  // the supervisor is gone, and with it the owner of the sockets
  }

  void take(message::Memory message) {
    const Result<> taken = take_memory(message.name, std::move(message.memory));
    if (!taken) complain(message.name, taken.error());
    versions::note(configuration_);
  }

  void take(message::WorkerPiece message) {
    const Result<> taken = configuration_.take(std::move(message));
    if (!taken) log::error("{}: {}", role_.name(), taken.error().text());
  }

  void take(message::FetchLine message) { fetch_client_->connect(message.by, std::move(message.socket)); }

  void take(message::Drain message) {
    if (!drain_) {
      for (const auto& udp : udp_) {
        udp->listener.serve_all();
        udp->poll.reset();
      }
      for (const auto& tcp : tcp_) tcp->drain();
      fetch_client_->drain();
      drain_.emplace(loop_, [this](std::chrono::nanoseconds left) { return finish_sessions(left); });
    }
    drain_->within(message.within);
  }

  void take(const message::Forbidden&) {}

  bool finish_sessions(std::chrono::nanoseconds left) {
    const bool over = left < std::chrono::nanoseconds(0);
    if (over) fetch_client_->give_up();
    // Closed as soon as possible: an address that no other process has any more must not catch what is meant for a
    // wildcard.
    std::erase_if(udp_, [](const auto& udp) { return udp->listener.parked() == 0; });
    std::size_t sessions = 0;
    for (const auto& tcp : tcp_) {
      sessions += tcp->sessions();
      if (over) tcp->close();
    }
    return sessions == 0 && udp_.empty();
  }

  Channel channel_;
  Role role_;
  Pulse pulse_;
  async::Loop loop_;
  PluginChain plugins_;
  Configuration configuration_;
  std::unique_ptr<const Observer> query_log_;  // none: off
  Responder responder_;
  std::unique_ptr<UdpBatch, DeleteUdpBatch> batch_ = make_udp_batch();
  TcpTurns tcp_turns_{loop_, responder_};
  std::optional<FetchClient> fetch_client_;
  std::vector<std::unique_ptr<Udp>> udp_;
  std::vector<std::unique_ptr<TcpServer>> tcp_;
  std::optional<Drain> drain_;
};

}  // namespace

int run_dns_child(Role role, std::span<const PluginType> built_in, config::Translations translations) {
  const bool alone = become_dns_user(role.number);
  drop_capabilities(Keep::nothing);
  if (!alone && geteuid() == 0 && role.number == 0)
    log::warning("the dns processes run as root: they may not change users");
  DnsChild child{Channel(Descriptor(kChannelDescriptor)), role};
  if (const Result<> ready = child.set_up(built_in, translations); !ready) {
    child.channel().send(message::Failed{ready.error().text()});
    child.channel().flush_patiently();
    log::flush();
    return 1;
  }
  child.run();
  log::flush();
  std::_Exit(0);  // what is left, connections that were cut off among it, goes with the process
}

}  // namespace swage::server
