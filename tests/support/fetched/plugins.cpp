// The plugins of swage_fetched, a swage for tests: some real ones, and `fetched`, whose answers are not in memory until
// a service has fetched them. What becomes of a query says its first label:
//
//     now-…          fetched at once, as fast as the service process can
//     slow-…         fetched as soon as there is a file FOLDER/open
//     fail-…         cannot be fetched
//     never-…        never fetched
//     again-…        said to be fetched each time, and never there
//     now-steps-N    N further keys are needed before, one after the other
//
// Each key that the service is asked for is a line of FOLDER/wanted.
#include "plugins/plugins.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/shm/table.h"

namespace swage::plugins {

namespace bind {
Result<> setup(Controller& controller);
}
namespace errors {
Result<> setup(Controller& controller);
}
namespace loadbalance {
Result<> setup(Controller& controller);
}
namespace log {
Result<> setup(Controller& controller);
}
namespace nsid {
Result<> setup(Controller& controller);
}
namespace prometheus {
Result<> setup(Controller& controller);
}
namespace timeouts {
Result<> setup(Controller& controller);
}
namespace whoami {
Result<> setup(Controller& controller);
}

namespace fetched {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kCapacity = 10'000;
constexpr std::int64_t kLifetime = 60'000;  // milliseconds
constexpr std::uint32_t kTtl = 60;          // seconds

std::int64_t milliseconds_now() { return std::int64_t{std::time(nullptr)} * 1000; }

class Fetched : public Plugin {
 public:
  Fetched(const shm::Shared& memory, const Fetch& fetch) : memory_(memory), fetch_(fetch) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qtype != dns::Type::txt) return next(query, response);
    const std::string_view label = as_text(query.key.view().first_label());
    shm::TableValues values;
    for (int step = steps(label); step > 0; --step) {
      const std::string key = fmt::format("now-step-{}", step);
      if (!find(as_bytes(key), values)) return fetch_.later(response, as_bytes(key));
    }
    if (!find(as_bytes(label), values)) return fetch_.later(response, as_bytes(label));
    return answer_text(query, response, kTtl, values.text(0));
  }

 private:
  static int steps(std::string_view label) {
    constexpr std::string_view kSteps = "now-steps-";
    int count = 0;
    if (label.starts_with(kSteps)) std::from_chars(label.data() + kSteps.size(), label.data() + label.size(), count);
    return count;
  }
  bool find(Bytes key, shm::TableValues& values) const {
    return shm::Table(memory_.bytes()).find(key, milliseconds_now(), values) == shm::Table::Found::yes;
  }

  const shm::Shared& memory_;
  const Fetch& fetch_;
};

class Fetching : public Service {
 public:
  Fetching(shm::Shared& memory, Fetch& fetch, std::string folder)
      : memory_(memory), fetch_(fetch), folder_(std::move(folder)) {}

  Result<> prepare() override {
    if (!memory_.lasts()) return {};
    TRY(shm::Segment memory, shm::Segment::create("swage fetched", shm::TableWriter::bytes_needed(kCapacity)));
    shm::TableWriter::format(memory.writable_bytes(), kCapacity, {});
    TRY(memory_.provide(std::move(memory)));
    writer_ = shm::TableWriter(memory_.writable_bytes());
    return {};
  }

  async::Task<Result<>> run(Host& host) override {
    look_.emplace(host.loop(), [this] { look(); });
    fetch_.on_wanted([this](const std::string& key) { take(key); });
    co_return Result<>();
  }

 private:
  void take(const std::string& key) {
    write(key);
    if (key.starts_with("now-")) return put(key);
    if (key.starts_with("fail-")) return fetch_.failed(key);
    if (key.starts_with("again-")) return fetch_.settled(key);
    if (key.starts_with("slow-") && slow_.insert(key).second) look_->start(5ms);
  }
  void put(const std::string& key) {
    static_cast<void>(writer_.put(as_bytes(key), "text of " + key, milliseconds_now() + kLifetime, milliseconds_now()));
    fetch_.settled(key);
  }
  void look() {
    if (!std::filesystem::exists(folder_ + "/open")) return look_->start(5ms);
    for (const std::string& key : slow_) put(key);
    slow_.clear();
  }
  void write(const std::string& key) const {
    const Descriptor file(open((folder_ + "/wanted").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    static_cast<void>(write_all(file.get(), as_bytes(key + "\n")));
  }

  shm::Shared& memory_;
  Fetch& fetch_;
  std::string folder_;
  shm::TableWriter writer_;
  std::set<std::string> slow_;
  std::optional<async::Timer> look_;
};

}  // namespace

// fetched FOLDER [TIME]
Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string folder, controller.expect_path("a folder"));
  Fetch& fetch = controller.fetch("fetched");
  if (controller.has_arg()) {
    TRY(const std::chrono::nanoseconds time, controller.expect_duration());
    fetch.wait_at_most(std::chrono::duration_cast<std::chrono::milliseconds>(time));
  }
  shm::Shared& memory = controller.shared("fetched");
  controller.add(std::make_unique<const Fetched>(memory, fetch));
  controller.add(std::make_unique<Fetching>(memory, fetch, folder));
  return {};
}

}  // namespace fetched

std::span<const PluginType> all() {
  static constexpr auto kList = std::to_array<PluginType>({{"bind", &bind::setup},
                                                           {"timeouts", &timeouts::setup},
                                                           {"nsid", &nsid::setup},
                                                           {"prometheus", &prometheus::setup},
                                                           {"errors", &errors::setup},
                                                           {"log", &log::setup},
                                                           {"loadbalance", &loadbalance::setup},
                                                           {"fetched", &fetched::setup},
                                                           {"whoami", &whoami::setup}});
  return kList;
}

}  // namespace swage::plugins
