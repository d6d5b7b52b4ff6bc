// Reads the directive:
// acme-txt [ZONES...] { store memory [PATH] [capacity N] | store etcd URL... { … } | store dynamodb TABLE { … } ;
// ttl SECONDS|DURATION ; lifetime SECONDS|DURATION ; placeholder TEXT|off }
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "core/crypto/random.h"
#include "core/dns/zones.h"
#include "plugins/acme_txt/acme_txt.h"
#include "plugins/acme_txt/dynamodb_store.h"
#include "plugins/acme_txt/fleet_service.h"
#include "plugins/acme_txt/fleet_settings.h"

namespace swage::plugins::acme_txt {
namespace {

constexpr std::uint32_t kMaxLifetime = 366 * 86400;  // seconds
constexpr std::size_t kMaxText = 255;                // bytes of a character-string (RFC 1035 section 3.3)

// What keeps the values: a kind of store is a type here, and a line in read_store() and make_service().
using Store = std::variant<forge::ChallengeSettings, FleetSettings, DynamoDbSettings>;

// memory [PATH] [capacity N]
Result<forge::ChallengeSettings> read_memory(Controller& controller) {
  forge::ChallengeSettings store;
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
  return store;
}

// memory … | etcd … | dynamodb …
Result<> read_store(Controller& controller, Store& store) {
  TRY(const std::string_view kind, controller.one_of({"memory", "etcd", "dynamodb"}));
  if (kind == "etcd") return assign(store, read_fleet(controller));
  if (kind == "dynamodb") return assign(store, read_dynamodb(controller));
  return assign(store, read_memory(controller));
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

std::string zone_of(Controller& controller) { return controller.zones().front().to_string(); }

metrics::Counter count_fenced(Controller& controller) {
  return controller.metrics().counter("swage_fleet_fenced_responses_total",
                                      "Queries for challenges that were answered with SERVFAIL because of the fence.",
                                      {{"zone", zone_of(controller)}});
}

// The memory of the store, under the names by which processes and configurations find it.
forge::ChallengeMemory memory_of(Controller& controller, const std::string& zone, const std::string& path) {
  forge::ChallengeMemory memory{.store = &controller.shared(forge::ChallengeStore::name(zone)),
                                .gate = &controller.service_memory(forge::ChallengeMemory::gate_name(zone))};
  memory.store->set_place(path);
  if (!path.empty()) memory.file = &controller.service_memory(forge::ChallengeMemory::file_name(zone));
  return memory;
}

metrics::Gauge gauge_live(Controller& controller) {
  return controller.metrics().gauge("swage_challenges", "Peers with a challenge in force.",
                                    {{"zone", zone_of(controller)}});
}

metrics::Gauge gauge_capacity(Controller& controller) {
  return controller.metrics().gauge("swage_challenges_capacity", "Peers for which there is room.",
                                    {{"zone", zone_of(controller)}});
}

std::unique_ptr<Service> make_service(Controller& controller, forge::ChallengeSettings store, shm::Clocks clocks) {
  const std::string zone = zone_of(controller);
  const forge::ChallengeMemory memory = memory_of(controller, zone, store.path);
  forge::ChallengeKeeper::Seed seed;
  crypto::SystemRandom().fill(seed);
  auto service =
      std::make_unique<ChallengeService>(zone, forge::ChallengeKeeper(memory, std::move(store), seed), clocks);
  service->show(*memory.store, gauge_live(controller), gauge_capacity(controller));
  return service;
}

std::unique_ptr<Service> make_service(Controller& controller, FleetSettings store, shm::Clocks clocks) {
  const std::string zone = zone_of(controller);
  auto service = std::make_unique<FleetService>(zone, std::move(store), memory_of(controller, zone, ""), clocks,
                                                fleet::Measures::of(controller.metrics(), zone));
  service->show(gauge_live(controller), gauge_capacity(controller));
  return service;
}

std::unique_ptr<Service> make_service(Controller& controller, DynamoDbSettings store, shm::Clocks clocks) {
  const std::string zone = zone_of(controller);
  const forge::ChallengeMemory memory = memory_of(controller, zone, "");
  return std::make_unique<DynamoDbStore>(zone, std::move(store), DynamoDbMeasures::of(controller.metrics(), zone),
                                         *memory.store, dynamodb_fetch(controller), clocks);
}

}  // namespace

Result<> setup_with(Controller& controller, shm::Clocks clocks) {
  Settings settings;
  Store store;
  std::int64_t lifetime = forge::ChallengeSettings().lifetime;
  controller.once();
  TRY(settings.zones, controller.remaining_zones());
  TRY(check_zones(controller, controller.token(), settings.zones));
  TRY(controller.read_block({
      {"store", [&] { return read_store(controller, store); }},
      {"ttl", [&] { return assign(settings.ttl, controller.expect_ttl()); }},
      {"lifetime", [&] { return assign(lifetime, read_lifetime(controller)); }},
      {"placeholder", [&] { return assign(settings.placeholder, read_placeholder(controller)); }},
  }));
  std::visit([&](auto& kind) { kind.lifetime = lifetime; }, store);
  settings.responses = count_responses(controller.metrics());
  if (std::holds_alternative<FleetSettings>(store)) settings.fenced = count_fenced(controller);
  if (std::holds_alternative<DynamoDbSettings>(store)) settings.fetch = &dynamodb_fetch(controller);
  controller.add(std::visit([&](auto& kind) { return make_service(controller, std::move(kind), clocks); }, store));
  forge::ChallengeStore values(controller.shared(forge::ChallengeStore::name(zone_of(controller))));
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<AcmeTxt>(std::move(settings), values, clocks)));
  return {};
}

Result<> setup(Controller& controller) { return setup_with(controller, kClocks); }

}  // namespace swage::plugins::acme_txt
