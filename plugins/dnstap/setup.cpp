// The directive `dnstap`.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "core/text.h"
#include "plugins/dnstap/recorder.h"
#include "plugins/dnstap/sending.h"

namespace swage::plugins::dnstap {
namespace {

constexpr std::size_t kMostQueue = 4096;  // as CoreDNS takes it
constexpr std::size_t kMostRings = 64;    // times the least: 256 MiB in each dns process
constexpr std::size_t kMostText = 255;    // bytes of the identity and the version

Result<std::string> expect_text(Controller& controller, std::string_view what) {
  TRY(const std::string_view text, controller.expect_arg(what));
  if (text.size() > kMostText) return controller.fail("more than {} bytes", kMostText);
  return std::string(text);
}

Result<> read_extra(Controller& controller, Settings& settings) {
  TRY(const std::string_view text, controller.expect_arg("a text"));
  settings.extra = log_line::Format(text);
  settings.has_extra = true;
  for (const std::string& unknown : settings.extra.unknown()) {
    controller.warn(controller.error_at(controller.token(),
                                        fmt::format("'{}' is not a placeholder; it is sent as it stands", unknown)));
  }
  for (std::string& label : settings.extra.labels()) {
    controller.metadata().expect(controller.directive(), std::move(label), controller.token());
  }
  return {};
}

// SOCKET [full] [WRITEBUFFER] [QUEUE] { identity TEXT ; version TEXT ; extra TEXT ; skipverify ; as client|auth }
Result<Settings> read(Controller& controller) {
  Settings settings;
  settings.sender.identity = host_name();
  settings.sender.version = "swage-" SWAGE_VERSION;
  TRY(const std::string_view socket, controller.expect_arg("the socket of a consumer"));
  if (socket == "listen") return controller.fail("'listen' is not supported: dnstap connects to its consumer");
  TRY(settings.target, parse_target(socket));
  std::size_t queue = 1;
  for (int numbers = 0; controller.has_arg();) {
    TRY(const std::string_view word, controller.expect_arg("'full' or a number"));
    if (word == "full" && !settings.full && numbers == 0) {
      settings.full = true;
      continue;
    }
    std::size_t number = 0;
    const std::size_t most = numbers == 0 ? 1024 : kMostQueue;
    if (numbers == 2 || !parse_number(word, number) || number < 1 || number > most) {
      return controller.fail("unexpected '{}'; expected [full] [WRITEBUFFER] [QUEUE], 1 to 1024 and 1 to {}", word,
                             kMostQueue);
    }
    if (++numbers == 2) queue = number;
  }
  settings.ring = tap::kLeastRing * std::min(queue, kMostRings);
  const auto read_as = [&]() -> Result<> {
    TRY(const std::string_view word, controller.one_of({"client", "auth"}));
    settings.sender.role = word == "auth" ? tap::Role::auth : tap::Role::client;
    return {};
  };
  const auto skip_verification = [&]() -> Result<> {
    settings.verifies = false;
    return {};
  };
  TRY(controller.read_block({
      {"identity", [&] { return assign(settings.sender.identity, expect_text(controller, "a name")); }},
      {"version", [&] { return assign(settings.sender.version, expect_text(controller, "a version")); }},
      {"extra", [&] { return read_extra(controller, settings); }},
      {"skipverify", skip_verification},
      {"as", read_as},
  }));
  return settings;
}

// Of a directive: those of two server blocks may stand in one line of a file that both import.
std::string memory_name(Controller& controller) {
  const ServerBlock& block = controller.block();
  const std::vector<Listener> listeners = block.listeners();
  return fmt::format("dnstap {}:{} {} {} {}", controller.occurrence().file, controller.occurrence().line,
                     block.zones.empty() ? "" : block.zones.front().to_string(),
                     listeners.empty() ? "" : listeners.front().name, block.view);
}

Counts counts(metrics::Registry& metrics, const Target& target) {
  const metrics::Labels labels = {{"endpoint", target.text}};
  return {.sent = metrics.counter("swage_dnstap_messages_total", "Messages that consumers of dnstap have got.", labels),
          .lost = metrics.counter("swage_dnstap_lost_total", "Messages that were not sent in time.", labels),
          .connections = metrics.gauge("swage_dnstap_connections", "Consumers of dnstap that are there.", labels)};
}

}  // namespace

Result<> setup(Controller& controller) {
  while (controller.next()) {
    TRY(Settings settings, read(controller));
    shm::WorkerMemory& memory = controller.worker_memory(memory_name(controller), settings.ring);
    const auto recorder = std::make_shared<Recorder>(settings, memory, controller.metadata());
    controller.add(std::make_unique<const Dropped>(recorder));
    controller.add(std::make_unique<const Answered>(recorder));
    const Counts counted = counts(controller.metrics(), settings.target);
    controller.add(std::make_unique<Sending>(std::move(settings), memory, counted));
  }
  return {};
}

}  // namespace swage::plugins::dnstap
