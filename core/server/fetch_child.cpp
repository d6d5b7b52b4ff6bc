// The fetch process: runs the Fetchers of the plugins (core/plugin/fetcher.h): asks other people's nameservers what dns
// processes want, and puts what they say where those read. It faces whatever strangers answer, and owns nothing but the
// memory of those answers; it may crash, and is replaced, and what is wanted is said again to the next one.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <set>

#include "core/async/loop.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/configuration.h"
#include "core/server/fetch_server.h"
#include "core/server/privileges.h"
#include "core/server/sandbox.h"
#include "core/server/service_run.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

class FetchChild : public Host {
 public:
  FetchChild(async::Loop& loop, Channel channel) : Host(loop), channel_(std::move(channel)) {}

  Result<> set_up(std::span<const PluginType> built_in, config::Translations translations) {
    TRY(Inheritance inheritance, receive_inheritance(channel_));
    pulse_ = std::move(inheritance.pulse);
    TRY(plugins_, PluginChain::of(built_in, inheritance.libraries, PluginChain::Load::libraries));
    TRY(configuration_, configure(inheritance.sources, inheritance.corefile, plugins_.types(), inheritance.default_port,
                                  std::move(inheritance.metrics), translations));
    fetch_server_.emplace(loop(), Fetch::By::fetch, configuration_.fetches, *configuration_.metrics);
    for (message::FetchLine& line : inheritance.fetch_lines) fetch_server_->add(std::move(line));
    for (const NamedFetcher& each : configuration_.fetchers) {
      shm::Shared& memory = each.fetcher->memory();
      memory.on_provide([this, &memory](const shm::Mapping& provided) { return hand_on(memory, provided); });
      const auto left = inheritance.memories.find({MemoryKind::shared, memory.name()});
      if (left != inheritance.memories.end()) take_over(memory, std::move(left->second));
      TRY(prepare_by([&each] { return prepare(each); }, each, inheritance.again));
    }
    drop_capabilities(Keep::nothing);  // before anybody else is asked for anything
    TRY(confine(Role::Kind::fetch));
    for (const NamedFetcher& each : configuration_.fetchers) {
      if (unprepared_.contains(&each)) continue;
      TRY(prepare_by([&each] { return look_up(each); }, each, inheritance.again));
    }
    return {};
  }

  void run() {
    async::Poll messages(loop(), channel_.socket().get(), [this] { receive(); });
    const Heart heart(loop(), pulse_, *configuration_.metrics);
    channel_.send(message::Ready{});
    channel_.flush_patiently();
    loop().run();
  }

  Channel& channel() { return channel_; }

  // What the service process alone can do.
  void request_reload() override {}
  bool corefile_changed() override { return false; }
  std::optional<Descriptor> take_listening_socket(const Endpoint&) override { return std::nullopt; }

 private:
  // Where this process replaces one, the others go on without what fails.
  Result<> prepare_by(const std::function<Result<>()>& step, const NamedFetcher& fetcher, bool again) {
    const Result<> done = step();
    if (done || !again) return done;
    log::error("{}", done.error().text());  // a file, perhaps; what else is fetched does not need it
    unprepared_.insert(&fetcher);
    return {};
  }

  static void take_over(shm::Shared& memory, Descriptor left) {
    Result<shm::Mapping> opened = shm::Mapping::open_sealed(std::move(left), shm::Seal::elsewhere);
    if (opened) {
      memory.replace(*std::move(opened));
    } else {
      log::error("{}: {}", memory.name(), opened.error().text());
    }
  }

  Result<> hand_on(const shm::Shared& memory, const shm::Mapping& provided) {
    TRY(Descriptor copy, provided.descriptor().duplicate());
    channel_.send(message::Memory{{MemoryKind::shared, memory.name()}, std::move(copy)});
    return {};
  }

  void receive() {
    const Result<> received = channel_.receive([this](Packet packet) {
      decode<ToFetch>(std::move(packet), [this](auto message) { take(std::move(message)); });
      return true;
    });
    if (!received) loop().stop();
  }

  void take(message::FetchLine message) { fetch_server_->add(std::move(message)); }
  void take(const message::Start&) {
    for (const NamedFetcher& each : configuration_.fetchers) {
      if (!unprepared_.contains(&each)) {
        loop().spawn(run_service(*this, each, failed_));
        continue;
      }
      Fetch& fetch = each.fetcher->fetch();
      fetch.on_wanted([&fetch](const std::string& key) { fetch.failed(key); });
    }
  }
  void take(const message::Forget& message) {
    const Result<std::size_t> forgotten = forget(message.zone, configuration_.fetchers);
    if (forgotten) log::info("{} forgotten for {}", counted(*forgotten, "answer was", "answers were"), message.zone);
  }
  void take(const message::Drain& message) {
    if (!drain_) {
      stop();
      drain_.emplace(loop(), [this](std::chrono::nanoseconds left) { return is_finished(left); });
    }
    drain_->within(message.within);
  }
  void take(const message::Forbidden&) {}

  // As long as there are dns processes, they wait for what they want.
  [[nodiscard]] bool is_finished(std::chrono::nanoseconds left) const {
    return left < 0ns || !fetch_server_->has_lines();
  }

  Channel channel_;
  Pulse pulse_;
  PluginChain plugins_;
  Configuration configuration_;
  std::optional<FetchServer> fetch_server_;
  std::set<const NamedFetcher*> unprepared_;
  std::set<const NamedService*> failed_;
  std::optional<Drain> drain_;
};

}  // namespace

int run_fetch_child(std::span<const PluginType> built_in, config::Translations translations) {
  const bool alone = become_fetch_user();
  drop_capabilities(Keep::reading);  // until the files are read that the Corefile names
  if (!alone && geteuid() == 0) log::warning("the fetch process runs as root: it may not change users");
  mallopt(M_TRIM_THRESHOLD, 4 << 20);  // what it needs goes up and down with the questions under way
  mallopt(M_TOP_PAD, 1 << 20);
  async::Loop loop;
  FetchChild child(loop, Channel(Descriptor(kChannelDescriptor)));
  if (const Result<> ready = child.set_up(built_in, translations); !ready) {
    child.channel().send(message::Failed{ready.error().text()});
    child.channel().flush_patiently();
    log::flush();
    return 1;
  }
  child.run();
  log::flush();
  std::_Exit(0);
}

}  // namespace swage::server
