#include <algorithm>
#include <ctime>
#include <utility>

#include "core/async/work.h"
#include "core/counted.h"
#include "core/dns/serial.h"
#include "core/log.h"
#include "core/zone/journal.h"
#include "core/zone/view.h"
#include "plugins/catalog/catalog.h"

namespace swage::plugins::catalog {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenLooks = 1s;
constexpr std::size_t kMaxMembers = 100'000;  // as many as *secondary* takes

std::uint32_t next_serial(std::uint32_t before, std::uint32_t now) {
  return dns::serial_after(now, before) ? now : before + 1;
}

}  // namespace

// What was in force goes on: which zones there are is known when all other Services have prepared.
Result<> CatalogService::prepare() {
  if (!block_.has("transfer")) {
    log::warning("plugin/catalog: {}: the server block has no directive 'transfer': nobody gets it",
                 catalog_.contents.apex.to_string());
  }
  if (!catalog_.journal->bytes().empty()) TRY(catalog_.journal->keep());
  return catalog_.image->bytes().empty() ? Result<>() : catalog_.image->keep();
}

async::Task<Result<>> CatalogService::run(Host& host) {
  while (true) {
    const Result<> looked = co_await look(host.loop());
    report(looked);
    looked_ = true;
    const bool stops = co_await host.stopping(kBetweenLooks);
    if (stops) break;
  }
  co_return Result<>();
}

void CatalogService::report(const Result<>& looked) {
  const std::string problem = looked ? "" : looked.error().text();
  if (problem == std::exchange(problem_, problem) || problem.empty()) return;
  log::warning("plugin/catalog: {}: {}", catalog_.contents.apex.to_string(), problem);
}

async::Task<Result<>> CatalogService::look(async::Loop& loop) {
  if (is_as_before()) co_return Result<>();
  CO_TRY(std::vector<std::string> seen, list());
  std::vector<std::string> members = seen;
  std::ranges::sort(members);
  const auto repeated = std::ranges::unique(members);
  members.erase(repeated.begin(), repeated.end());
  if (members.size() > kMaxMembers) co_return fail("more than {} members; it stays as it was", kMaxMembers);
  if (members.empty() && catalog_.image->bytes().empty()) {
    co_return fail("there are no zones; it is not made until there is one");
  }
  const auto now = static_cast<std::uint32_t>(std::time(nullptr));
  const auto making = [this, &members, now] { return make(members, now); };
  CO_TRY(Made made, co_await async::work(loop, making));
  const bool is_new = made.image.has_value();
  CO_TRY(publish(std::move(made)));
  seen_ = std::move(seen);
  const std::uint32_t serial = zone::View(catalog_.image->bytes()).serial();
  figures_.members.set(static_cast<double>(members.size()));
  figures_.serial.set(serial);
  if (is_new) {
    log::info("plugin/catalog: {}: serial {}, {}", catalog_.contents.apex.to_string(), serial,
              counted(members.size(), "member"));
  }
  co_return Result<>();
}

// Nothing is copied: most looks find that nothing has changed.
bool CatalogService::is_as_before() const {
  std::size_t count = 0;
  bool same = !seen_.empty();
  for (const ZoneSource* const source : block_.zone_sources) {
    const bool knows_all = source->for_each_apex([&](dns::NameView apex) {
      if (!catalog_.contents.has_member(apex)) return;
      same = same && count < seen_.size() && seen_[count] == as_text(apex.bytes());
      ++count;
    });
    same = same && knows_all;
  }
  return same && count == seen_.size();
}

Result<std::vector<std::string>> CatalogService::list() const {
  std::vector<std::string> members;
  bool knows_all = true, has_own_name = false;
  for (const ZoneSource* const source : block_.zone_sources) {
    const bool all_of_it = source->for_each_apex([&](dns::NameView apex) {
      has_own_name = has_own_name || apex == catalog_.contents.apex.view();
      if (catalog_.contents.has_member(apex)) members.emplace_back(as_text(apex.bytes()));
    });
    knows_all = knows_all && all_of_it;
  }
  const char* const now = catalog_.image->bytes().empty() ? "is not made" : "stays as it was";
  if (has_own_name) return fail("a zone of this name is served here, too; it {} until that is another", now);
  if (knows_all) return members;
  return fail("not all zones are known; it {} until they are", now);
}

// On another thread. The same members with the same serial give the same bytes: then nothing is new.
Result<CatalogService::Made> CatalogService::make(const std::vector<std::string>& members, std::uint32_t now) const {
  const Bytes before = catalog_.image->bytes();
  const std::string name = "swage " + catalog_.image->name();
  std::uint32_t serial = now;
  if (!before.empty()) {
    const std::uint32_t last = zone::View(before).serial();
    TRY(const shm::Segment same, make_image(catalog_.contents, members, last, name));
    if (std::ranges::equal(same.bytes(), before)) return Made{};
    serial = next_serial(last, now);
  }
  Made made;
  TRY(made.image, make_image(catalog_.contents, members, serial, name));
  const auto journal = zone::next_journal(catalog_.journal->bytes(), before, made.image->bytes());
  if (journal.empty()) return made;
  TRY(made.journal, shm::Segment::create("swage " + catalog_.journal->name(), journal.size()));
  std::ranges::copy(journal, made.journal->writable_bytes().begin());
  return made;
}

// The journal before the zone: whoever has the new zone has the way to it, too.
Result<> CatalogService::publish(Made made) {
  if (made.journal) TRY(catalog_.journal->publish(*std::move(made.journal)));
  return made.image ? catalog_.image->publish(*std::move(made.image)) : Result<>();
}

}  // namespace swage::plugins::catalog
