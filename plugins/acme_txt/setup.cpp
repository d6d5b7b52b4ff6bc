// Reads the directive:
// acme-txt [ZONES...] { store memory [PATH] [capacity N] ; ttl DURATION ; lifetime DURATION ; placeholder TEXT|off }
#include <algorithm>
#include <chrono>

#include "core/config/values.h"
#include "core/crypto/random.h"
#include "core/dns/zones.h"
#include "plugins/acme_txt/acme_txt.h"

namespace swage::plugins::acme_txt {
namespace {

using Audience = shm::Shared::Audience;

constexpr std::int64_t kMaxTtl = 2147483647;                      // seconds (RFC 2181 section 8)
constexpr std::int64_t kMaxLifetime = std::int64_t{366} * 86400;  // seconds
constexpr std::size_t kMaxText = 255;                             // bytes of a character-string (RFC 1035 section 3.3)

// A property's duration: whole seconds, `min` to `max`.
Result<std::int64_t> read_seconds(Controller& controller, std::int64_t min, std::int64_t max) {
  const std::string property = controller.val();
  TRY(const std::string_view text, controller.expect_arg("a duration"));
  const auto duration = config::parse_duration(text);
  if (!duration) return std::unexpected(controller.error("{}: {}", property, duration.error().text()));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*duration);
  if (seconds != *duration || seconds.count() < min || seconds.count() > max) {
    return std::unexpected(controller.error("{}: '{}' is not {} to {} whole seconds", property, text, min, max));
  }
  TRY(controller.expect_end());
  return seconds.count();
}

Result<> read_store(Controller& controller, forge::ChallengeSettings& store) {
  TRY(const std::string_view kind, controller.expect_arg("'memory'"));
  if (kind != "memory") {
    return std::unexpected(controller.error("store: unknown kind of store '{}'; expected 'memory'", kind));
  }
  while (controller.next_arg()) {
    if (controller.val() != "capacity") {
      if (!store.path.empty() || controller.val().empty()) return std::unexpected(controller.unexpected_token());
      store.path = controller.path(controller.val());
      continue;
    }
    TRY(const std::string_view text, controller.expect_arg("a number of peers"));
    const auto capacity = config::parse_integer<std::uint64_t>(text, 1, shm::table::kMaxCapacity);
    if (!capacity) return std::unexpected(controller.error("capacity: {}", capacity.error().text()));
    store.capacity = *capacity;
    return controller.expect_end();
  }
  return {};
}

Result<> read_property(Controller& controller, Settings& settings, forge::ChallengeSettings& store) {
  if (controller.val() == "store") return read_store(controller, store);
  if (controller.val() == "ttl") {
    TRY(const std::int64_t ttl, read_seconds(controller, 0, kMaxTtl));
    settings.ttl = static_cast<std::uint32_t>(ttl);
    return {};
  }
  if (controller.val() == "lifetime") {
    TRY(const std::int64_t lifetime, read_seconds(controller, 1, kMaxLifetime));
    store.lifetime = lifetime * 1000;
    return {};
  }
  if (controller.val() == "placeholder") {
    TRY(const std::string_view text, controller.expect_arg("a text or 'off'"));
    if (text.size() > kMaxText) return std::unexpected(controller.error("placeholder: longer than {} bytes", kMaxText));
    settings.placeholder = text == "off" ? std::nullopt : std::optional<std::string>(text);
    return controller.expect_end();
  }
  return std::unexpected(controller.unknown_property({"store", "ttl", "lifetime", "placeholder"}));
}

Result<> check_zones(const Controller& controller, const config::Token& written, const std::vector<dns::Name>& zones) {
  for (const dns::Name& zone : zones) {
    if (!dns::is_under_any(zone, controller.zones())) {
      return std::unexpected(
          written.error(fmt::format("zone {} is not in the zones of this server block", zone.to_string())));
    }
  }
  return {};
}

}  // namespace

Result<> setup_with(Controller& controller, Clock clock) {
  Settings settings;
  forge::ChallengeSettings store;
  for (bool first = true; controller.next(); first = false) {
    if (!first) return std::unexpected(controller.error("acme-txt stands once in a server block"));
    TRY(settings.zones, controller.remaining_zones());
    TRY(check_zones(controller, controller.token(), settings.zones));
    while (controller.next_block()) TRY(read_property(controller, settings, store));
  }
  const std::string zone = controller.zones().front().to_string();
  shm::Shared& memory = controller.shared(forge::ChallengeStore::name(zone), Audience::everyone);
  memory.set_place(store.path);
  forge::ChallengeMemory memories{.store = &memory,
                                .gate = &controller.shared(forge::ChallengeMemory::gate_name(zone), Audience::service)};
  if (!store.path.empty()) memories.file = &controller.shared(forge::ChallengeMemory::file_name(zone), Audience::service);
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
