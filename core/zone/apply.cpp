#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "core/dns/record_types.h"
#include "core/zone/all_records.h"
#include "core/zone/diff.h"
#include "core/zone/name_records.h"
#include "core/zone/view.h"

namespace swage::zone {
namespace {

void append_lowercased(std::string& to, Bytes bytes) {
  for (const std::uint8_t byte : bytes) to.push_back(static_cast<char>(dns::lower(byte)));
}

std::string lowercased(dns::NameView name) {
  std::string text;
  append_lowercased(text, name.bytes());
  return text;
}

// What tells a record from others of the zone: owner, type and data, names without case. On the way of a message names
// lose their spelling to others that they are compressed to.
std::string identity(const ZoneRecord& record) {
  std::string text = lowercased(record.owner);
  text.push_back(static_cast<char>(static_cast<std::uint16_t>(record.type) >> 8));
  text.push_back(static_cast<char>(record.type));
  const dns::NamesInRdata names = dns::compressed_names(record.type);
  std::size_t from = names.count == 0 ? record.rdata.size() : names.before;
  std::size_t to = from;
  for (int i = 0; i < names.count && to < record.rdata.size(); ++i) {
    while (to < record.rdata.size() && record.rdata[to] != 0) to += 1U + record.rdata[to];
    ++to;
  }
  from = std::min(from, record.rdata.size());
  to = std::min(to, record.rdata.size());
  text += as_text(record.rdata.first(from));
  append_lowercased(text, record.rdata.subspan(from, to - from));
  text += as_text(record.rdata.subspan(to));
  return text;
}

std::string shown(const ZoneRecord& record) {
  return fmt::format("{} {}", record.owner.to_string(), to_string(record.type));
}

// What changes make of the records that they name.
class Outcomes {
 public:
  Result<> add(const Change& change) {
    const auto take = [this](Change::Records records, bool there) -> Result<> {
      while (const auto record = records.next()) TRY(note(*record, there));
      return {};
    };
    TRY(take(change.removed(), false));
    return take(change.added(), true);
  }

  // Whether the record stays what it is.
  Result<bool> keeps(const ZoneRecord& record) {
    if (record.owner.data() != owner_) {
      owner_ = record.owner.data();
      concerns_owner_ = owners_.contains(lowercased(record.owner));
    }
    if (!concerns_owner_) return true;
    const auto found = of_.find(identity(record));
    if (found == of_.end()) return true;
    Of& of = found->second;
    if (!of.was_there) return fail("{} is added, and is there already", shown(record));
    of.was_seen = true;
    return false;
  }

  // In canonical order.
  [[nodiscard]] std::vector<dns::Name> names() const {
    std::vector<dns::Name> names;
    for (const auto& [key, of] : of_) names.emplace_back(of.record.owner);
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
  }

  // What comes in the end. Fails where something was to be removed that keeps() did not hear of.
  Result<> finish(Builder& into) const {
    for (const auto& [key, of] : of_) {
      if (of.was_there && !of.was_seen) return fail("{} is removed, and is not there", shown(of.record));
      if (of.is_there) TRY(into.add(of.record.owner, of.record.type, of.record.ttl, of.record.rdata));
    }
    return {};
  }

 private:
  struct Of {
    ZoneRecord record;
    bool was_there;  // has to be, before the first change
    bool is_there;   // after the last one
    bool was_seen = false;
  };

  Result<> note(const ZoneRecord& record, bool there) {
    const auto [at, is_new] = of_.try_emplace(identity(record), Of{record, !there, there});
    if (is_new) {
      owners_.insert(lowercased(record.owner));
      return {};
    }
    if (at->second.is_there == there) {
      return fail("{} is {}", shown(record), there ? "added, and is there already" : "removed, and is not there");
    }
    at->second.record = record;
    at->second.is_there = there;
    return {};
  }

  std::unordered_map<std::string, Of> of_;
  std::unordered_set<std::string> owners_;
  const std::uint8_t* owner_ = nullptr;  // of the record before
  bool concerns_owner_ = false;
};

}  // namespace

namespace {

Result<Outcomes> outcomes_of(Bytes image, std::span<const Change> changes) {
  Outcomes outcomes;
  std::uint32_t serial = View(image).serial();
  for (const Change& change : changes) {
    if (change.from() != serial) return fail("a change from {}, where the zone has {}", change.from(), serial);
    TRY(outcomes.add(change));
    serial = change.to();
  }
  return outcomes;
}

}  // namespace

Result<> apply(Bytes image, std::span<const Change> changes, Builder& into) {
  TRY(Outcomes outcomes, outcomes_of(image, changes));
  AllRecords records(image);
  while (const auto record = records.next()) {
    TRY(const bool keeps, outcomes.keeps(*record));
    if (keeps) TRY(into.add(record->owner, record->type, record->ttl, record->rdata));
  }
  return outcomes.finish(into);
}

Result<std::vector<dns::Name>> apply_to_names(Bytes image, std::span<const Change> changes, Builder& into) {
  TRY(Outcomes outcomes, outcomes_of(image, changes));
  std::vector<dns::Name> names = outcomes.names();
  Result<> added;
  const auto add = [&](dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata) {
    const Result<bool> keeps = outcomes.keeps({owner, type, ttl, rdata});
    if (!keeps) added = std::unexpected(keeps.error());
    if (added && *keeps) added = into.add(owner, type, ttl, rdata);
  };
  for (const dns::Name& name : names) {
    for_each_record_of(image, name, add);
    TRY(added);
  }
  TRY(outcomes.finish(into));
  return names;
}

}  // namespace swage::zone
