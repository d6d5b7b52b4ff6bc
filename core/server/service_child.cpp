// The service process: runs the Services of the plugins: what reads files, watches, waits, talks to the network. It may
// crash, and is replaced, without one answer being delayed.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/async/loop.h"
#include "core/config/parser.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/configuration.h"
#include "core/server/fetch_server.h"
#include "core/server/own_files.h"
#include "core/server/privileges.h"
#include "core/server/responder.h"
#include "core/server/sandbox.h"
#include "core/server/scraper.h"
#include "core/server/server_report.h"
#include "core/server/service_control.h"
#include "core/server/service_run.h"
#include "core/server/versions.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr const char* kUsualUser = "swage";  // where the Corefile says nothing: the package makes it
constexpr auto kLastCall = 1s;               // before the end of draining

// Pieces of memory from this size on are the system's again when they are freed. Unless told so, glibc keeps pieces of
// the size of the largest one that was freed, up to 32 MiB, for itself: a zone of 1,000,000 records left 43 MB behind.
constexpr int kGivenBack = 128 << 10;  // bytes

std::string place_of(const config::Token& token) { return fmt::format("{}:{}", token.file, token.line); }

class ServiceChild : public Host, public Reporting {
 public:
  ServiceChild(async::Loop& loop, Channel channel, config::Translations translations)
      : Host(loop), loop_(loop), channel_(std::move(channel)), translations_(translations) {}

  // Publishes what queries need and tells the supervisor what to listen on.
  Result<> set_up(std::span<const PluginType> built_in) {
    TRY(Inheritance inheritance, receive_inheritance(channel_));
    corefile_ = inheritance.corefile;
    pulse_ = std::move(inheritance.pulse);
    sources_ = std::move(inheritance.sources);
    scraper_ = std::move(inheritance.scraper);
    Responder().count_in(*inheritance.metrics);  // what the dns processes count is known here, too
    TRY(plugins_, PluginChain::of(built_in, inheritance.libraries, PluginChain::Load::tried_libraries));
    libraries_ = std::move(inheritance.libraries);
    for (PluginLibrary& library : libraries_) library.image = Descriptor();  // it is loaded
    config::Errors errors;
    configuration_ = configure(sources_, corefile_, plugins_.types(), inheritance.default_port,
                               std::move(inheritance.metrics), errors, translations_);
    Responder().protect(configuration_);  // the same
    if (const Result<> changed = change_user(); !changed) {
      errors.add(changed.error());
      return std::unexpected(errors.joined());
    }
    TRY(const std::string less,
        confine(Role::Kind::service, own_files(configuration_, sources_, corefile_, translations_)));
    if (!less.empty()) log::warning("taken over, a process could do more than it should: {}", less);
    fetch_server_.emplace(loop_, Fetch::By::service, configuration_.fetches, *configuration_.metrics);
    for (message::FetchLine& line : inheritance.fetch_lines) fetch_server_->add(std::move(line));
    declare_memory();
    for (message::WorkerPiece& piece : inheritance.worker_pieces) take(std::move(piece));
    for (const auto& [name, snapshot] : configuration_.snapshots) {
      snapshot->on_publish(sender({MemoryKind::snapshot, name}));
      const auto left = inheritance.memories.find({MemoryKind::snapshot, name});
      if (left == inheritance.memories.end()) continue;
      TRY(shm::Mapping newest, shm::Mapping::open_sealed(std::move(left->second), shm::Seal::whole));
      snapshot->replace(std::move(newest));
    }
    versions::watch(configuration_);
    TRY(control_.prepare(*configuration_.snapshots.at(Switches::kName)));
    for_lasting_memory([&](MemoryKind kind, auto& memory) {
      memory.on_provide(sender({kind, memory.name()}));
      // What the configuration, or the service process, before this one left.
      const auto left = inheritance.memories.find({kind, memory.name()});
      if (left == inheritance.memories.end()) return;
      take_over(memory, std::move(left->second), [&memory](auto opened) { memory.replace(std::move(opened)); });
    });
    for (const NamedService& each : configuration_.services) {
      if (each.block->unsure) continue;
      const Result<> prepared = prepare(each);
      if (!prepared && !inheritance.again) errors.add(prepared.error());
      // What the process before this one published still serves.
      if (!prepared && inheritance.again) log::error("{}", prepared.error().text());
    }
    for (const NamedFetcher& each : configuration_.fetchers) {
      if (each.block->unsure || inheritance.again) continue;
      if (const Result<> checked = check(each); !checked) errors.add(checked.error());
    }
    if (!errors.empty()) return std::unexpected(errors.joined());
    if (!inheritance.again) {
      for (const Error& warning : configuration_.warnings) log::warning("{}", warning.text());
    }
    for_lasting_memory([this](MemoryKind kind, const shm::LastingMemory& memory) {
      if (memory.exists() && !memory.provided()) send(message::Keep{{kind, memory.name()}});
    });
    for (const auto& [endpoint, router] : configuration_.listeners) {
      const Purpose purpose = router.scheme == Scheme::dns ? Purpose::queries : Purpose::streams;
      send(message::Listen{purpose, endpoint, place_of(configuration_.places.at(endpoint))});
    }
    for (const ServiceSocket& socket : configuration_.service_sockets) {
      send(message::Listen{Purpose::services, socket.endpoint, place_of(socket.token)});
    }
    send(message::Lameduck{configuration_.server->lameduck});
    for (const std::string& line : configuration_.summary()) send(message::Serves{line});
    return {};
  }

  void run() {
    async::Poll messages(loop_, channel_.socket().get(), [this] { receive(); });
    async::Timer flush(loop_, [this] { flush_channel(); });
    flush_ = &flush;
    const Heart heart(loop_, pulse_, *configuration_.metrics);
    send(message::Ready{});
    loop_.run();
    flush_ = nullptr;
  }

  template <typename Message>
  void send(Message message) {
    channel_.send(std::move(message));
    flush_channel();
  }

  void flush_patiently() { channel_.flush_patiently(); }

  void request_reload() override { send(message::Reload{}); }
  void end_server(const std::string& why) override { send(message::End{why}); }
  bool corefile_changed() override {
    config::Sources now = config::Sources::from_disk();
    now.take_environment(sources_);          // the supervisor's, which cannot have changed
    if (!now.read(corefile_)) return false;  // gone, or it never was a file: there is nothing to reload
    const auto parsed = config::parse(now, corefile_, translations_);
    return !(now == sources_);
  }
  std::string changed_plugin() override {
    const auto changed = std::ranges::find_if(libraries_, &PluginLibrary::has_changed);
    return changed == libraries_.end() ? std::string() : changed->file;
  }
  std::string metrics_text() override {
    for (const NamedService& each : configuration_.services) each.service->measure();
    return scraper_.text(*configuration_.metrics);
  }
  std::vector<std::string> unready() override {
    return not_ready([](const Block& block) { return block.settings.reports_ready; });
  }
  bool shutting_down() override { return ending_; }

  void report_server(Report& report) override {
    report.server.version = SWAGE_VERSION;
    report.server.corefile = corefile_;
    report.server.serves = configuration_.summary();
    report.server.configuration = scraper_.configuration();
    report.server.unready = not_ready([](const Block&) { return true; });
    report.server.ending = ending_;
    control_.report(report.server);
    report_processes(scraper_, report);
  }
  void report_zones(Report& report) override { server::report_zones(configuration_, report); }
  void report_topic(Report& report, Report::Topic topic) override {
    for (const NamedService& each : configuration_.services) {
      if (auto* const reporter = dynamic_cast<Reporter*>(each.service.get())) reporter->report(report, topic);
    }
  }

  std::optional<Descriptor> take_listening_socket(const Endpoint& endpoint) override {
    const auto socket = sockets_.find(endpoint);
    if (socket == sockets_.end()) return std::nullopt;
    Result<Descriptor> copy = socket->second.duplicate();
    if (copy) return *std::move(copy);
    log::error("{}: {}", endpoint.to_string(), copy.error().text());
    return std::nullopt;
  }

 private:
  // The directives with a Service that is not, in the server blocks that `counts`.
  std::vector<std::string> not_ready(bool (*counts)(const Block&)) const {
    std::set<std::string> names;
    for (const NamedService& each : configuration_.services) {
      const bool ready = each.service->ready() && !failed_.contains(&each);
      if (counts(*each.block) && !ready) names.insert(each.name);
    }
    return {names.begin(), names.end()};
  }

  // From here on the process may do no more than a Service needs: all that was read so far is the Corefile.
  Result<> change_user() {
    const std::optional<config::Token>& says = configuration_.server->user;
    if (geteuid() != 0) {
      drop_capabilities(Keep::nothing);
      const Result<Account> account = says ? find_account(says->text) : Account{};
      if (!account) return std::unexpected(says->error("user: " + account.error().text()));
      if (says && account->uid != geteuid()) {
        log::warning("{}", says->error("user: only root can become another user; it stays as it was started").text());
      }
      return {};
    }
    const Result<Account> account = find_account(says ? says->text : kUsualUser);
    if (says && !account) return std::unexpected(says->error("user: " + account.error().text()));
    if (says && is_own_user(account->uid)) {
      return std::unexpected(says->error(fmt::format(
          "user: {} to {} are those of the dns processes and the fetch process", kFirstDnsUser, kFetchUser)));
    }
    const bool becomes = account && account->uid != 0;
    if (becomes && may_change_user()) {
      const Result<> changed = become(*account);
      if (!changed) return says ? std::unexpected(says->error("user: " + changed.error().text())) : changed;
      drop_capabilities(Keep::nothing);
      return {};
    }
    drop_capabilities(Keep::files);
    send(message::StaysRoot{});
    if (becomes) log::warning("the service process may not become the user '{}', and stays root", account->name);
    return {};
  }

  // What it is going to publish: the supervisor takes nothing else.
  void declare_memory() {
    for (const auto& [name, snapshot] : configuration_.snapshots) {
      send(message::Declare{{MemoryKind::snapshot, name}});
    }
    for_lasting_memory(
        [this](MemoryKind kind, const shm::LastingMemory& memory) { send(message::Declare{{kind, memory.name()}}); });
    for (const auto& [name, memory] : configuration_.worker_memories) {
      send(message::DeclareWorkerMemory{name, memory->size()});
    }
    for (const NamedFetcher& each : configuration_.fetchers) {
      send(message::Declare{{MemoryKind::shared, each.fetcher->memory().name()}, Fetch::By::fetch});
    }
  }

  // All that this process may provide.
  void for_lasting_memory(auto&& take) {
    for (const auto& [name, memory] : configuration_.shared) {
      if (!configuration_.is_fetched(*memory)) take(MemoryKind::shared, *memory);
    }
    for (const auto& [name, memory] : configuration_.service_memories) take(MemoryKind::service, *memory);
  }

  // What hands a version of this memory to the supervisor.
  std::function<Result<>(const shm::Mapping&)> sender(MemoryName name) {
    return [this, name = std::move(name)](const shm::Mapping& memory) -> Result<> {
      TRY(Descriptor copy, memory.descriptor().duplicate());
      send(message::Memory{name, std::move(copy)});
      return {};
    };
  }

  static Result<shm::Mapping> open(const shm::Shared&, Descriptor memory) {
    return shm::Mapping::open_sealed(std::move(memory), shm::Seal::elsewhere);
  }
  static Result<shm::Segment> open(const shm::ServiceMemory&, Descriptor memory) {
    return shm::Segment::attach(std::move(memory));
  }

  // `put` takes the memory that arrived.
  static void take_over(auto& memory, Descriptor arrived, auto&& put) {
    auto opened = open(memory, std::move(arrived));
    if (opened) {
      put(*std::move(opened));
    } else {
      log::error("{}: {}", memory.name(), opened.error().text());
    }
  }

  // The process before this one was itself replaced, while this one was set up: what its successor provided since.
  void take(message::Memory message) {
    for_lasting_memory([&](MemoryKind kind, auto& memory) {
      if (message.name != MemoryName{kind, memory.name()} || memory.provided()) return;
      take_over(memory, std::move(message.memory), [&memory](auto opened) { memory.update(std::move(opened)); });
    });
  }

  // The supervisor always reads: what did not fit into the socket's buffer goes a moment later.
  void flush_channel() {
    channel_.flush();
    if (channel_.unsent() && flush_ != nullptr) flush_->start(1ms);
  }

  void receive() {
    const Result<> received = channel_.receive([this](Packet packet) {
      decode<ToService>(std::move(packet), [this](auto message) { take(std::move(message)); });
      return true;
    });
    if (!received) loop_.stop();
  }

  void take(message::WorkerPiece message) {
    const Result<> taken = configuration_.take(std::move(message));
    if (!taken) log::error("{}", taken.error().text());
  }
  void take(message::Socket message) { sockets_[message.endpoint] = std::move(message.socket); }
  void take(message::ProcessMetrics message) { complain(scraper_.take(std::move(message))); }
  void take(message::PastMetrics message) { complain(scraper_.take(std::move(message))); }
  void take(message::FetchLine message) { fetch_server_->add(std::move(message)); }
  void take(message::ControlSocket message) { control_.take(std::move(message)); }
  void take(message::Reloads message) { control_.take(std::move(message)); }
  void take(message::Upgrades message) { control_.take(std::move(message)); }
  void take(const message::Ending&) { ending_ = true; }
  void take(const message::Start&) { start(); }
  void take(const message::Drain& message) {
    sockets_.clear();
    if (!drain_) {
      stop();
      control_.stop();
      drain_.emplace(loop_, [this](std::chrono::nanoseconds left) { return finish_services(left); });
    }
    drain_->within(message.within);
  }
  void take(const message::Forbidden&) {}

  static void complain(const Result<>& taken) {
    if (!taken) log::error("metrics: {}", taken.error().text());
  }

  void start() {
    for (const NamedService& each : configuration_.services) loop_.spawn(run_service(*this, each, failed_));
    control_.start();
    send(message::Settled{});
  }

  // What this process and the fetch process were told by others.
  Result<> flush(const std::string& zone) {
    const auto remembers = [](const auto& each) {
      return dynamic_cast<const Remembering*>(each.service.get()) != nullptr;
    };
    const bool fetches = std::ranges::any_of(configuration_.fetchers, remembers);
    if (!fetches && std::ranges::none_of(configuration_.services, remembers)) {
      return fail("there is nothing to forget: no server block forwards");
    }
    TRY(forget(zone, configuration_.services));
    if (fetches) send(message::Forget{zone});
    return {};
  }

  bool finish_services(std::chrono::nanoseconds left) {
    if (left < 0ns) return true;
    // As long as there are dns processes, they wait for what they want.
    if (loop_.alive() == 0 && !fetch_server_->has_lines()) return true;
    if (left < kLastCall) {
      call_last();
      control_.give_up();
    }
    return false;
  }

  async::Loop& loop_;
  Channel channel_;
  Pulse pulse_;
  const config::Translations translations_;
  std::string corefile_;
  config::Sources sources_;
  PluginChain plugins_;
  std::vector<PluginLibrary> libraries_;  // those of the chain; without their images
  Configuration configuration_;
  std::map<Endpoint, Descriptor> sockets_;  // for Services, until this process is told to finish
  async::Timer* flush_ = nullptr;
  std::optional<Drain> drain_;
  std::set<const NamedService*> failed_;  // those that are to be run again
  Scraper scraper_;
  std::optional<FetchServer> fetch_server_;
  ServiceControl control_{*this, *this,
                          ServiceControl::Ways{.receive = [this] { receive(); },
                                               .request_upgrade = [this] { send(message::Upgrade{}); },
                                               .flush = [this](const std::string& zone) { return flush(zone); }}};
  bool ending_ = false;  // the server is told to end
};

}  // namespace

int run_service_child(std::span<const PluginType> built_in, config::Translations translations) {
  // What it needs goes up and down by some 100 KB with each handful of registrations: glibc would give it back to the
  // kernel, and get it again page by page.
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_MMAP_THRESHOLD, kGivenBack);
  async::Loop loop;
  ServiceChild child(loop, Channel(Descriptor(kChannelDescriptor)), translations);
  if (const Result<> ready = child.set_up(built_in); !ready) {
    child.send(message::Failed{ready.error().text()});
    child.flush_patiently();
    log::flush();
    return 1;
  }
  child.run();
  log::flush();
  std::_Exit(0);
}

}  // namespace swage::server
