// Reads the directive: dnssec [ZONES...] { key file KEY... ; key directory DIR ; keys DIR { … } ; cache_capacity N ;
// budget N }
#include "core/signing/key_service.h"
#include "core/text.h"
#include "plugins/dnssec/dnssec.h"

namespace swage::plugins::dnssec {
namespace {

constexpr std::size_t kMaxCapacity = 4'000'000;  // signatures: 0.9 GB in each dns process
constexpr std::uint32_t kMaxBudget = 1'000'000;

Counts count(metrics::Registry& registry) {
  return {
      .hits = registry.counter("coredns_dnssec_cache_hits_total", "Signatures that were made before."),
      .misses = registry.counter("coredns_dnssec_cache_misses_total", "Signatures that were not made before."),
      .signatures = registry.counter("swage_dnssec_signatures_total", "Signatures made while answering."),
      .over_budget = registry.counter("swage_dnssec_over_budget_total",
                                      "Answers that were not signed over UDP, since signing had taken its share."),
  };
}

// Memory that no other directive has: it has one writer.
shm::WorkerMemory& own_memory(Controller& controller, std::size_t bytes) {
  for (int number = 1;; ++number) {
    const std::string name = formatted("dnssec signatures {}", number);
    if (controller.snapshot(name).claim()) return controller.worker_memory(name, bytes);
  }
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  const config::Token directive = controller.token();
  TRY(const std::vector<dns::Name> zones, controller.remaining_zones());
  signing::KeySettings keys;
  Signatures::Settings settings;
  TRY(controller.read_block({
      {"key", [&] { return signing::read_key(controller, keys); }},
      {"keys", [&] { return signing::read_keys(controller, keys); }},
      {"cache_capacity",
       [&] { return assign(settings.capacity, controller.expect_number<std::size_t>(1, kMaxCapacity)); }},
      {"budget", [&] { return assign(settings.budget, controller.expect_number<std::uint32_t>(1, kMaxBudget)); }},
  }));
  if (keys.empty()) return controller.fail_at(directive, "expected a key, 'key file Kexample.org.+013+12345' say");
  settings.counts = count(controller.metrics());
  std::vector<SignedZone> signed_here, published_here;
  for (const dns::Name& zone : zones) {
    // Blocks that sign a zone with the same keys share them.
    shm::Snapshot& snapshot = controller.snapshot(formatted("dnssec {}{}", zone.to_string(), keys.paths()));
    signed_here.push_back({zone, &snapshot});
    if (snapshot.claim()) published_here.push_back(signed_here.back());
  }
  shm::WorkerMemory& memory = own_memory(controller, Signatures::table_size(settings.capacity));
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<const Dnssec>(signed_here, settings, memory)));
  signing::add_key_service(controller, keys, zones);
  controller.add(std::make_unique<KeyService>(std::move(keys), published_here, directive));
  return {};
}

}  // namespace swage::plugins::dnssec
