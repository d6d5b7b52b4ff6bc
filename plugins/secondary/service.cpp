#include <algorithm>

#include "core/async/tasks.h"
#include "plugins/secondary/notify.h"
#include "plugins/secondary/secondary.h"

namespace swage::plugins::secondary {
namespace {

Result<> claim(const Settings& settings, auto& zone) {
  const Result<> writable = Store(settings.folder).check();
  if (!writable) return std::unexpected(settings.directive.error("secondary: directory: " + writable.error().text()));
  const Result<> claimed = zone.claim();
  if (!claimed) return std::unexpected(settings.directive.error("secondary: " + claimed.error().text()));
  return {};
}

}  // namespace

SecondaryService::SecondaryService(Fetch& notified, shm::Shared& memory) : notified_(notified), memory_(memory) {
  owners_.is_explicit = [this](const dns::Name& name) {
    const auto is_it = [&](const Kept<Catalog>& each) { return each.zone->zone().apex() == name; };
    return by_name_.contains(name) || std::ranges::any_of(catalogs_, is_it);
  };
}

void SecondaryService::make_zones() {
  for (const auto& [zone, figures] : named_) {
    auto published = std::make_unique<OwnSnapshot>(*zone.snapshot, zone.journal);
    auto kept = std::make_unique<SecondaryZone>(*zone.settings, *budget_, zone.apex, std::move(published), figures);
    by_name_.emplace(zone.apex, kept.get());
    zones_.push_back({zone.settings, std::move(kept)});
  }
  for (const auto& [catalog, figures, of_catalog] : named_catalogs_) {
    auto kept = std::make_unique<Catalog>(catalog.settings, *budget_, catalog.apex, *catalog.members, owners_, figures,
                                          of_catalog);
    catalogs_.push_back({catalog.settings, std::move(kept)});
  }
}

Result<> SecondaryService::prepare() {
  TRY(budget_, Budget::of(memory_));
  make_zones();
  for (const auto& each : zones_) TRY(claim(*each.settings, *each.zone));
  for (const auto& each : catalogs_) TRY(claim(*each.settings, *each.zone));
  for (const auto& each : zones_) each.zone->load();
  for (const auto& each : catalogs_) TRY(each.zone->load());
  return {};
}

async::Task<Result<>> SecondaryService::run(Host& host) {
  notified_.on_wanted([this](const std::string& key) { take_notify(key); });
  async::Tasks running;
  for (const auto& each : zones_) running.start(each.zone->run(host));
  for (const auto& each : catalogs_) running.start(each.zone->run(host));
  co_await host.stopping().wait();
  co_return Result<>();
}

void SecondaryService::take_notify(const std::string& key) {
  const auto notify = NotifyKey::read(key);
  const auto zone = notify ? by_name_.find(notify->zone) : by_name_.end();
  if (zone != by_name_.end()) zone->second->notify(notify->from);
  for (const auto& each : catalogs_) {
    if (notify && zone == by_name_.end() && each.zone->notify(notify->zone, notify->from)) break;
  }
  notified_.settled(key);
}

bool SecondaryService::ready() const {
  const auto was_tried = [](const auto& each) { return each.zone->was_tried(); };
  return std::ranges::all_of(zones_, was_tried) && std::ranges::all_of(catalogs_, was_tried);
}

void SecondaryService::measure() {
  for (const auto& each : catalogs_) each.zone->measure();
}

}  // namespace swage::plugins::secondary
