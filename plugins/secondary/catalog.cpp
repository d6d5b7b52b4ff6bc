#include "plugins/secondary/catalog.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"

namespace swage::plugins::secondary {
namespace {

constexpr std::chrono::milliseconds kBetweenRemovals{200};

}  // namespace

Catalog::Catalog(std::shared_ptr<const Settings> settings, Budget& budget, dns::Name apex, shm::Snapshot& set,
                 Owners& owners, const Figures& figures, const CatalogFigures& catalog_figures)
    : settings_(std::move(settings)),
      budget_(budget),
      owners_(owners),
      figures_(catalog_figures),
      set_(set),
      zone_(*settings_, budget_, apex, set_.add(MemberSet::hidden_key(apex)), figures) {
  owners_.catalogs.push_back(this);
  zone_.on_change([this] { take_version(); });
}

Catalog::~Catalog() {
  for (auto& [_, member] : members_) member.running.reset();
}

Result<> Catalog::load() {
  zone_.load();
  return set_.publish();
}

async::Task<> Catalog::run(Host& host) {
  host_ = &host;
  async::Tasks own;
  own.start(zone_.run(host));
  own.start(set_.run(host));
  own.start(remove_files(host));
  for (auto& [_, member] : members_) {
    member.running = std::make_unique<async::Tasks>();
    member.running->start(member.zone->run(host));
  }
  co_await host.stopping().wait();
  host_ = nullptr;
  for (auto& [_, member] : members_) member.running.reset();
}

// A catalog that is broken, or has expired, changes nothing.
void Catalog::take_version() {
  const shm::Held image = zone_.published().image();
  if (image.bytes.empty()) return;
  Result<CatalogMembers> read = read_catalog(image.bytes);
  figures_.broken.set(read ? 0 : 1);
  if (!read) {
    log::error("plugin/secondary: {}: a broken catalog: {}; the zones stay as they were", zone_.apex().to_string(),
               read.error().text());
    return;
  }
  wanted_ = *std::move(read);
  apply();
  for (Catalog* const each : owners_.catalogs) {
    if (each != this) each->apply();
  }
}

void Catalog::apply() {
  complaints_before_ = std::exchange(complaints_, {});
  for (auto member = members_.begin(); member != members_.end();) {
    const auto current = member++;
    const auto wanted = wanted_.find(current->first);
    if (wanted == wanted_.end() || wanted->second.id != current->second.id) drop(current, false);
  }
  for (const auto& [name, member] : wanted_) {
    if (!members_.contains(name)) add(name, member);
  }
}

void Catalog::add(const dns::Name& name, const CatalogMember& member) {
  shm::Held before;
  if (!may_have(name, member, before)) return;
  auto zone = std::make_unique<SecondaryZone>(*settings_, budget_, name, set_.add(MemberSet::key(name), before),
                                              Figures(), Store::Files::own);
  if (const Result<> claimed = zone->claim(); !claimed) return pass_over(name, claimed.error().text());
  zone->load();
  owners_.members[name] = this;
  Member& added = members_[name];
  added = {member.id, std::move(zone), nullptr};
  if (host_ == nullptr) return;
  log::info("plugin/secondary: {}: a new member, {}", zone_.apex().to_string(), name.to_string());
  added.running = std::make_unique<async::Tasks>();
  added.running->start(added.zone->run(*host_));
}

// Who is first has it (RFC 9432 section 5.1), unless its catalog passes it on (section 4.4.1): then the zone goes on as
// it is where its unique label is the same.
bool Catalog::may_have(const dns::Name& name, const CatalogMember& member, shm::Held& before) {
  if (owners_.is_explicit(name)) {
    pass_over(name, "the Corefile has it");
    return false;
  }
  const auto owner = owners_.members.find(name);
  if (owner == owners_.members.end()) return true;
  Catalog& other = *owner->second;
  const auto theirs = other.members_.find(name);
  const auto in_their_catalog = other.wanted_.find(name);
  if (in_their_catalog == other.wanted_.end() || in_their_catalog->second.new_owner != zone_.apex()) {
    if (member.new_owner == other.zone_.apex()) return false;  // it was passed on, and is to be taken out here
    pass_over(name, fmt::format("it is a member of {}", other.zone_.apex().to_string()));
    return false;
  }
  const bool same = theirs->second.id == member.id;
  if (same) before = theirs->second.zone->published().image();
  other.drop(theirs, same && settings_->folder == other.settings_->folder);
  return true;
}

void Catalog::drop(std::map<dns::Name, Member>::iterator member, bool keep_file) {
  log::info("plugin/secondary: {}: {} is not a member any more", zone_.apex().to_string(), member->first.to_string());
  const Result<std::string> file = member->second.zone->store().path(member->first);
  member->second.running.reset();
  member->second.zone->give_back();
  owners_.members.erase(member->first);
  members_.erase(member);
  if (!keep_file && file && !settings_->folder.empty()) budget_.remove_later(*file);
}

async::Task<> Catalog::remove_files(Host& host) {
  while (true) {
    const bool stops = co_await host.stopping(kBetweenRemovals);
    if (stops) co_return;
    budget_.remove_some();
  }
}

// Says it once.
void Catalog::pass_over(const dns::Name& name, std::string_view why) {
  std::string text =
      fmt::format("{}: the member {} is passed over: {}", zone_.apex().to_string(), name.to_string(), why);
  if (!complaints_before_.contains(text)) log::error("plugin/secondary: {}", text);
  complaints_.insert(std::move(text));
}

bool Catalog::notify(const dns::Name& zone, const IpAddress& from) {
  const auto member = members_.find(zone);
  if (zone != zone_.apex() && member == members_.end()) return false;
  (zone == zone_.apex() ? zone_ : *member->second.zone).notify(from);
  return true;
}

bool Catalog::was_tried() const {
  return zone_.was_tried() &&
         std::ranges::all_of(members_, [](const auto& each) { return each.second.zone->was_tried(); });
}

void Catalog::measure() const {
  const auto missing = std::ranges::count_if(members_, [](const auto& each) { return !each.second.zone->is_loaded(); });
  figures_.members.set(static_cast<double>(members_.size()));
  figures_.missing.set(static_cast<double>(missing));
}

}  // namespace swage::plugins::secondary
