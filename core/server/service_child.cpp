// The service process: runs the Services of the plugins: what reads files, watches, waits, talks to the network. It may
// crash, and is replaced, without one answer being delayed.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <set>

#include "core/async/loop.h"
#include "core/config/parser.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/configuration.h"
#include "core/server/privileges.h"
#include "core/server/responder.h"
#include "core/server/scraper.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr const char* kUsualUser = "swage";  // where the Corefile says nothing: the package makes it
constexpr auto kServiceDrainCheck = 10ms;
constexpr auto kLastCall = 1s;  // before the end of draining

// Pieces of memory from this size on are the system's again when they are freed. Unless told so, glibc keeps pieces of
// the size of the largest one that was freed, up to 32 MiB, for itself: a zone of 1,000,000 records left 43 MB behind.
constexpr int kGivenBack = 128 << 10;  // bytes

std::string text_of(const Endpoint& endpoint, const config::Token& at) {
  return fmt::format("{} {}:{}", endpoint_text(endpoint), at.file, at.line);
}

class ServiceChild : public Host {
 public:
  ServiceChild(async::Loop& loop, Channel channel, config::Translations translations)
      : Host(loop), loop_(loop), channel_(std::move(channel)), translations_(translations) {}

  // Publishes what queries need and tells the supervisor what to listen on.
  Result<> set_up(std::span<const PluginType> plugins) {
    TRY(Inheritance inheritance, receive_inheritance(channel_));
    corefile_ = inheritance.corefile;
    pulse_ = std::move(inheritance.pulse);
    sources_ = std::move(inheritance.sources);
    TRY(std::unique_ptr<metrics::Registry> metrics, take_own_metrics(inheritance));
    for (Message& message : inheritance.metrics) TRY(scraper_.take(std::move(message)));
    Responder().count_in(*metrics);  // what the dns processes count is known here, too
    config::Errors errors;
    configuration_ =
        configure(sources_, corefile_, plugins, inheritance.default_port, std::move(metrics), errors, translations_);
    if (const Result<> changed = change_user(); !changed) {
      errors.add(changed.error());
      return std::unexpected(errors.joined());
    }
    declare_memory();
    for (const auto& [name, snapshot] : configuration_.snapshots) {
      snapshot->on_publish([this](const shm::Snapshot& published) { return publish(published); });
    }
    for (auto& [name, memory] : inheritance.snapshots) TRY(take_snapshot(name, std::move(memory)));
    for (const auto& [name, shared] : configuration_.shared) take_over(*shared, inheritance.shared[name]);
    for (const NamedService& each : configuration_.services) {
      if (each.block->unsure) continue;
      const Result<> prepared = prepare(each);
      if (!prepared && !inheritance.again) errors.add(prepared.error());
      // What the process before this one published still serves.
      if (!prepared && inheritance.again) log::error("{}", prepared.error().text());
    }
    if (!errors.empty()) return std::unexpected(errors.joined());
    if (!inheritance.again) {
      for (const Error& warning : configuration_.warnings) log::warning("{}", warning.text());
    }
    for (const auto& [name, shared] : configuration_.shared) {
      if (shared->exists() && !shared->provided()) send({kind_of(*shared), name, {}});  // it stays what it is
    }
    for (const auto& [endpoint, router] : configuration_.listeners) {
      send({Message::Kind::listen, text_of(endpoint, configuration_.places.at(endpoint)), {}});
    }
    for (const ServiceSocket& socket : configuration_.service_sockets) {
      send({Message::Kind::listen_service, text_of(socket.endpoint, socket.token), {}});
    }
    send({Message::Kind::lameduck, std::to_string(configuration_.server->lameduck.count()), {}});
    for (const std::string& line : configuration_.summary()) send({Message::Kind::serves, line, {}});
    return {};
  }

  void run() {
    async::Poll messages(loop_, channel_.fd(), [this] { receive(); });
    async::Timer flush(loop_, [this] { flush_channel(); });
    flush_ = &flush;
    const Heart heart(loop_, std::move(pulse_), *configuration_.metrics);
    send({Message::Kind::ready, {}, {}});
    loop_.run();
    flush_ = nullptr;
  }

  void send(Message message) {
    channel_.send(std::move(message));
    flush_channel();
  }

  void flush_patiently() { channel_.flush_patiently(); }

  void request_reload() override { send({Message::Kind::reload, {}, {}}); }
  bool corefile_changed() override {
    config::Sources now = config::Sources::from_disk();
    now.take_environment(sources_);          // the supervisor's, which cannot have changed
    if (!now.read(corefile_)) return false;  // gone, or it never was a file: there is nothing to reload
    const auto parsed = config::parse(now, corefile_, translations_);
    return !(now == sources_);
  }
  std::string metrics_text() override {
    for (const NamedService& each : configuration_.services) each.service->measure();
    return scraper_.text(*configuration_.metrics);
  }
  std::vector<std::string> unready() override {
    std::set<std::string> names;
    for (const NamedService& each : configuration_.services) {
      if (each.block->settings.reports_ready && !each.service->ready()) names.insert(each.name);
    }
    return {names.begin(), names.end()};
  }
  bool shutting_down() override { return ending_; }
  std::optional<int> take_listening_socket(const Endpoint& endpoint) override {
    auto taken = sockets_.extract(endpoint);
    if (taken.empty()) return std::nullopt;
    return taken.mapped().release();
  }

 private:
  // From here on it is nobody who may do more than a Service needs: all that was read so far is the Corefile.
  Result<> change_user() {
    const std::optional<config::Token>& says = configuration_.server->user;
    if (geteuid() != 0) {
      drop_capabilities(Keep::nothing);
      const Result<Account> account = says ? find_account(says->text) : Account{};
      if (!account) return std::unexpected(says->error(account.error().text()));
      if (says && account->uid != geteuid()) {
        log::warning("{}", says->error("only root can become another user; it stays as it was started").text());
      }
      return {};
    }
    const Result<Account> account = find_account(says ? says->text : kUsualUser);
    if (says && !account) return std::unexpected(says->error(account.error().text()));
    if (says && is_dns_user(account->uid)) {
      return std::unexpected(says->error(
          fmt::format("users {} to {} are those of the dns processes", kFirstDnsUser, kFirstDnsUser + kDnsUsers - 1)));
    }
    const bool becomes = account && account->uid != 0;
    if (becomes && may_change_user()) {
      const Result<> changed = become(*account);
      if (!changed) return says ? std::unexpected(says->error(changed.error().text())) : changed;
      drop_capabilities(Keep::nothing);
      return {};
    }
    drop_capabilities(Keep::files);
    send({Message::Kind::stays_root, {}, {}});
    if (becomes) log::warning("the service process may not become the user '{}', and stays root", account->name);
    return {};
  }

  // What it is going to publish: the supervisor takes nothing else.
  void declare_memory() {
    const auto declare = [this](Message::Kind kind, const std::string& name) {
      send({Message::Kind::declare, static_cast<char>(kind) + name, {}});
    };
    for (const auto& [name, snapshot] : configuration_.snapshots) declare(Message::Kind::snapshot, name);
    for (const auto& [name, shared] : configuration_.shared) declare(kind_of(*shared), name);
  }

  static Message::Kind kind_of(const shm::Shared& shared) {
    const bool secret = shared.audience() == shm::Shared::Audience::service;
    return secret ? Message::Kind::service_memory : Message::Kind::shared;
  }

  Result<> publish(const shm::Snapshot& snapshot) {
    return send_memory(Message::Kind::snapshot, snapshot.name(), snapshot.segment());
  }

  static Result<shm::Segment> open(const shm::Shared& shared, Descriptor memory) {
    if (shared.audience() == shm::Shared::Audience::service) {
      return shm::Segment::attach(memory.release(), shm::Segment::Access::write);
    }
    return shm::Segment::open_sealed(memory.release(), shm::Segment::Seal::elsewhere);
  }

  // What the configuration, or the service process, before this one published.
  Result<> take_snapshot(const std::string& name, Descriptor memory) {
    const auto snapshot = configuration_.snapshots.find(name);
    if (snapshot == configuration_.snapshots.end()) return {};
    TRY(shm::Segment segment, shm::Segment::open_sealed(memory.release(), shm::Segment::Seal::whole));
    snapshot->second->replace(std::move(segment));
    return {};
  }

  // The process before this one was itself replaced, while this one was set up: what its successor provided since.
  void take_later(Message message) {
    const auto shared = configuration_.shared.find(message.text);
    if (shared == configuration_.shared.end() || shared->second->provided()) return;
    Result<shm::Segment> memory = open(*shared->second, std::move(message.descriptor));
    if (memory) {
      shared->second->update(*std::move(memory));
    } else {
      log::error("{}: {}", message.text, memory.error().text());
    }
  }

  // What the configuration, or the service process, before this one left.
  void take_over(shm::Shared& shared, Descriptor& left) {
    shared.on_provide([this](const shm::Shared& provided) { return keep(provided); });
    if (!left.exists()) return;
    Result<shm::Segment> memory = open(shared, std::move(left));
    if (memory) {
      shared.replace(*std::move(memory));
    } else {
      log::error("{}: {}", shared.name(), memory.error().text());
    }
  }

  Result<> keep(const shm::Shared& shared) { return send_memory(kind_of(shared), shared.name(), shared.segment()); }

  Result<> send_memory(Message::Kind kind, const std::string& name, const shm::Segment& segment) {
    TRY(Descriptor memory, borrow(segment.fd()));
    send({kind, name, std::move(memory)});
    return {};
  }

  static Result<Descriptor> borrow(int fd) {
    Descriptor owned(fd);
    Result<Descriptor> copy = owned.duplicate();
    static_cast<void>(owned.release());
    return copy;
  }

  // The supervisor always reads: what did not fit into the socket's buffer goes a moment later.
  void flush_channel() {
    channel_.flush();
    if (channel_.unsent() && flush_ != nullptr) flush_->start(1ms);
  }

  void receive() {
    while (true) {
      Result<std::optional<Message>> message = channel_.receive();
      if (!message) {
        loop_.stop();
        return;
      }
      if (!message->has_value()) return;
      if ((*message)->kind == Message::Kind::shared) take_later(std::move(**message));
      if ((*message)->kind == Message::Kind::socket) take_socket(std::move(**message));
      if ((*message)->kind == Message::Kind::metrics) take_metrics(std::move(**message));
      if ((*message)->kind == Message::Kind::ending) ending_ = true;
      if ((*message)->kind == Message::Kind::start) start();
      if ((*message)->kind == Message::Kind::drain) drain(drain_time(**message));
    }
  }

  void take_socket(Message message) {
    const Result<Endpoint> endpoint = parse_endpoint(message.text.substr(message.text.find(' ') + 1));
    if (endpoint) sockets_[*endpoint] = std::move(message.descriptor);
  }

  void take_metrics(Message message) {
    const Result<> taken = scraper_.take(std::move(message));
    if (!taken) log::error("metrics: {}", taken.error().text());
  }

  void start() {
    for (const NamedService& each : configuration_.services) loop_.spawn(run_service(*this, each));
    send({Message::Kind::settled, {}, {}});
  }

  static async::Task<> run_service(ServiceChild& host, const NamedService& named) {
    const Result<> ended = co_await named.service->run(host);
    if (!ended) log::error("{}", placed(named, ended.error()).text());
  }

  void drain(std::chrono::milliseconds time) {
    drain_until_ = loop_.now() + std::chrono::nanoseconds(time).count();
    if (!drain_timer_) {
      stop();
      drain_timer_ = std::make_unique<async::Timer>(loop_, [this] { check_drained(); });
    }
    check_drained();
  }

  void check_drained() {
    const auto left = std::chrono::nanoseconds(drain_until_ - loop_.now());
    if (loop_.alive() == 0 || left < 0ns) {
      loop_.stop();
      return;
    }
    if (left < kLastCall) call_last();
    drain_timer_->start(kServiceDrainCheck);
  }

  async::Loop& loop_;
  Channel channel_;
  Pulse pulse_;
  const config::Translations translations_;
  std::string corefile_;
  config::Sources sources_;
  Configuration configuration_;
  std::map<Endpoint, Descriptor> sockets_;  // that nobody has taken yet
  async::Timer* flush_ = nullptr;
  std::unique_ptr<async::Timer> drain_timer_;
  std::int64_t drain_until_ = 0;
  Scraper scraper_;
  bool ending_ = false;  // the server is told to end
};

}  // namespace

int run_service_child(std::span<const PluginType> plugins, config::Translations translations) {
  // What it needs goes up and down by some 100 KB with each handful of registrations: glibc would give it back to the
  // kernel, and get it again page by page.
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_MMAP_THRESHOLD, kGivenBack);
  async::Loop loop;
  ServiceChild child(loop, Channel(Descriptor(kChannelDescriptor)), translations);
  if (const Result<> ready = child.set_up(plugins); !ready) {
    child.send({Message::Kind::failed, ready.error().text(), {}});
    child.flush_patiently();
    log::flush();
    return 1;
  }
  child.run();
  log::flush();
  std::_Exit(0);
}

}  // namespace swage::server
