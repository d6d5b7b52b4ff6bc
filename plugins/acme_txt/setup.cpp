// Reads the directive:
// acme-txt [ZONES...] { store memory [PATH] [capacity N] ; ttl SECONDS|DURATION ; lifetime SECONDS|DURATION ;
// placeholder TEXT|off }
#include <algorithm>
#include <chrono>

#include "core/crypto/random.h"
#include "core/dns/zones.h"
#include "plugins/acme_txt/acme_txt.h"

namespace swage::plugins::acme_txt {
namespace {

constexpr std::uint32_t kMaxLifetime = 366 * 86400;  // seconds
constexpr std::size_t kMaxText = 255;                // bytes of a character-string (RFC 1035 section 3.3)

// memory [PATH] [capacity N]
Result<> read_store(Controller& controller, forge::ChallengeSettings& store) {
  TRY(controller.one_of({"memory"}));
  while (controller.has_arg()) {
    if (store.path.empty()) {
      TRY(std::string path, controller.expect_path("a file, or 'capacity'"));
      if (controller.val() != "capacity") {
        store.path = std::move(path);
        continue;
      }
    } else {
      TRY(controller.one_of({"capacity"}));
    }
    TRY(store.capacity, controller.expect_number<std::uint64_t>(1, shm::table::kMaxCapacity));
    break;
  }
  return {};
}

// TEXT | off
Result<std::optional<std::string>> read_placeholder(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a text or 'off'"));
  if (text.size() > kMaxText) return controller.fail("longer than {} bytes", kMaxText);
  return text == "off" ? std::nullopt : std::optional<std::string>(text);
}

Result<std::int64_t> read_lifetime(Controller& controller) {  // milliseconds
  TRY(const std::uint32_t seconds, controller.expect_seconds(1, kMaxLifetime));
  return std::int64_t{seconds} * 1000;
}

Result<> check_zones(Controller& controller, const config::Token& written, const std::vector<dns::Name>& zones) {
  for (const dns::Name& zone : zones) {
    if (!dns::is_under_any(zone, controller.zones())) {
      return controller.fail_at(written, "zone {} is not in the zones of this server block", zone.to_string());
    }
  }
  return {};
}

}  // namespace

Result<> setup_with(Controller& controller, Clock clock) {
  Settings settings;
  forge::ChallengeSettings store;
  controller.once();
  TRY(settings.zones, controller.remaining_zones());
  TRY(check_zones(controller, controller.token(), settings.zones));
  TRY(controller.read_block({
      {"store", [&] { return read_store(controller, store); }},
      {"ttl", [&] { return assign(settings.ttl, controller.expect_ttl()); }},
      {"lifetime", [&] { return assign(store.lifetime, read_lifetime(controller)); }},
      {"placeholder", [&] { return assign(settings.placeholder, read_placeholder(controller)); }},
  }));
  const std::string zone = controller.zones().front().to_string();
  shm::Shared& memory = controller.shared(forge::ChallengeStore::name(zone));
  memory.set_place(store.path);
  forge::ChallengeMemory memories{.store = &memory,
                                  .gate = &controller.service_memory(forge::ChallengeMemory::gate_name(zone))};
  if (!store.path.empty()) memories.file = &controller.service_memory(forge::ChallengeMemory::file_name(zone));
  forge::ChallengeKeeper::Seed seed;
  crypto::SystemRandom().fill(seed);
  metrics::Registry& metrics = controller.metrics();
  settings.responses = count_responses(metrics);
  auto service =
      std::make_unique<ChallengeService>(zone, forge::ChallengeKeeper(memories, std::move(store), seed), clock);
  service->show(memory, metrics.gauge("swage_challenges", "Peers with a challenge in force.", {{"zone", zone}}),
                metrics.gauge("swage_challenges_capacity", "Peers for which there is room.", {{"zone", zone}}));
  controller.add(std::move(service));
  controller.add(std::unique_ptr<const Plugin>(
      std::make_unique<AcmeTxt>(std::move(settings), forge::ChallengeStore(memory), clock)));
  return {};
}

Result<> setup(Controller& controller) { return setup_with(controller, &coarse_time); }

}  // namespace swage::plugins::acme_txt
