// A dns process: answers queries on the sockets it inherited, from memory alone. It opens nothing, connects to nobody
// and can be replaced at any time.
#include <unistd.h>

#include <chrono>
#include <memory>

#include "core/async/loop.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/configuration.h"
#include "core/server/privileges.h"
#include "core/server/tcp_server.h"
#include "core/server/udp_listener.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kDnsDrainCheck = 20ms;

class DnsChild {
 public:
  DnsChild(Channel channel, std::size_t worker) : channel_(std::move(channel)), worker_(worker) {}

  Result<> set_up(std::span<const PluginType> plugins, config::Translations translations) {
    TRY(Inheritance inheritance, receive_inheritance(channel_));
    pulse_ = std::move(inheritance.pulse);
    TRY(std::unique_ptr<metrics::Registry> metrics, take_own_metrics(inheritance));
    responder_.count_in(*metrics);
    TRY(configuration_, configure(inheritance.sources, inheritance.corefile, plugins, inheritance.default_port,
                                  std::move(metrics), translations));
    responder_.show_unrouted(configuration_.server->unrouted.get());
    configuration_.services.clear();
    for (auto& [name, memory] : inheritance.snapshots) TRY(take_snapshot(name, std::move(memory)));
    for (auto& [name, memory] : inheritance.shared) take_shared(name, std::move(memory));
    for (Inheritance::Socket& socket : inheritance.sockets) TRY(listen(std::move(socket)));
    return {};
  }

  void run() {
    async::Poll messages(loop_, channel_.fd(), [this] { receive(); });
    const Heart heart(loop_, std::move(pulse_), *configuration_.metrics);
    channel_.send({Message::Kind::ready, {}, {}});
    loop_.run();
    responder_.show_unrouted(nullptr);
    configuration_.blocks.clear();  // plugins may have last words
  }

  Channel& channel() { return channel_; }

 private:
  struct Udp {
    Udp(DnsChild& child, Inheritance::Socket inherited, const Router& router)
        : listener(std::move(inherited.socket), inherited.endpoint, router, child.responder_, *child.batch_),
          poll(child.loop_, listener.fd(), [this] { listener.serve(); }) {}
    UdpListener listener;
    async::Poll poll;
  };

  Result<> listen(Inheritance::Socket inherited) {
    const auto listener = configuration_.listeners.find(inherited.endpoint);
    if (listener == configuration_.listeners.end()) {
      return fail("no server block listens on {}", inherited.endpoint.to_string());
    }
    if (inherited.transport == "udp") {
      udp_.push_back(std::make_unique<Udp>(*this, std::move(inherited), listener->second));
    } else {
      tcp_.push_back(std::make_unique<TcpServer>(tcp_turns_, std::move(inherited.socket), listener->second));
    }
    return {};
  }

  Result<> take_snapshot(const std::string& name, Descriptor memory) {
    const auto snapshot = configuration_.snapshots.find(name);
    if (snapshot == configuration_.snapshots.end()) return {};
    TRY(shm::Segment segment, shm::Segment::open_sealed(memory.release(), shm::Segment::Seal::whole));
    segment.close_descriptor();
    snapshot->second->replace(std::move(segment));
    return {};
  }

  // A process without it serves all the rest.
  void take_shared(const std::string& name, Descriptor memory) {
    const auto shared = configuration_.shared.find(name);
    if (shared == configuration_.shared.end()) return;
    Result<shm::Segment> segment = shm::Segment::open_sealed(memory.release(), shm::Segment::Seal::elsewhere);
    if (segment) {
      segment->close_descriptor();
      shared->second->replace(*std::move(segment));
    } else {
      log::error("dns {}: {}: {}", worker_, name, segment.error().text());
    }
  }

  void receive() {
    while (true) {
      Result<std::optional<Message>> message = channel_.receive();
      if (!message) {  // the supervisor is gone, and with it who would hold the sockets for a successor
        loop_.stop();
        return;
      }
      if (!message->has_value()) return;
      handle(std::move(**message));
    }
  }

  void handle(Message message) {
    if (message.kind == Message::Kind::snapshot) {
      const Result<> taken = take_snapshot(message.text, std::move(message.descriptor));
      if (!taken) log::error("dns {}: {}: {}", worker_, message.text, taken.error().text());
    } else if (message.kind == Message::Kind::shared) {
      take_shared(message.text, std::move(message.descriptor));
    } else if (message.kind == Message::Kind::drain && !drain_timer_) {
      for (const auto& udp : udp_) udp->listener.serve_all();
      udp_.clear();  // closed: an address that nobody else has any more must not catch what is meant for a wildcard
      for (const auto& tcp : tcp_) tcp->drain();
      drain_until_ = loop_.now() + std::chrono::nanoseconds(drain_time(message)).count();
      drain_timer_ = std::make_unique<async::Timer>(loop_, [this] { check_drained(); });
      check_drained();
    }
  }

  void check_drained() {
    std::size_t sessions = 0;
    for (const auto& tcp : tcp_) {
      sessions += tcp->sessions();
      if (loop_.now() > drain_until_) tcp->close();
    }
    if (sessions == 0) {
      loop_.stop();
    } else {
      drain_timer_->start(kDnsDrainCheck);
    }
  }

  Channel channel_;
  std::size_t worker_;
  Pulse pulse_;
  async::Loop loop_;
  Configuration configuration_;
  Responder responder_;
  std::unique_ptr<UdpBatch, DeleteUdpBatch> batch_ = make_udp_batch();
  TcpTurns tcp_turns_{loop_, responder_, [this] {
                        for (const auto& udp : udp_) udp->listener.serve_some();
                      }};
  std::vector<std::unique_ptr<Udp>> udp_;
  std::vector<std::unique_ptr<TcpServer>> tcp_;
  std::unique_ptr<async::Timer> drain_timer_;
  std::int64_t drain_until_ = 0;
};

}  // namespace

int run_dns_child(std::size_t worker, std::span<const PluginType> plugins, config::Translations translations) {
  const bool alone = become_dns_user(worker);
  drop_capabilities(Keep::nothing);
  if (!alone && geteuid() == 0 && worker == 0) log::warning("the dns processes run as root: they may not change users");
  DnsChild child{Channel(Descriptor(kChannelDescriptor)), worker};
  if (const Result<> ready = child.set_up(plugins, translations); !ready) {
    child.channel().send({Message::Kind::failed, ready.error().text(), {}});
    child.channel().flush_patiently();
    log::flush();
    return 1;
  }
  child.run();
  log::flush();
  std::_Exit(0);  // what is left, connections that were cut off among it, goes with the process
}

}  // namespace swage::server
