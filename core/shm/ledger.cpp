#include "core/shm/ledger.h"

#include "core/result.h"

namespace swage::shm {

std::uint32_t Ledger::unused() {
  while (!unused_.empty() && slots_[unused_.back()].used) unused_.pop_back();
  if (unused_.empty()) {
    CHECK(slots_.size() < records_);
    unused_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  return unused_.back();
}

std::uint32_t Ledger::group_of(std::uint32_t network) {
  if (const auto known = group_by_network_.find(network); known != group_by_network_.end()) return known->second;
  if (no_group_.empty()) {
    no_group_.push_back(static_cast<std::uint32_t>(groups_.size()));
    groups_.emplace_back();
  }
  const std::uint32_t group = no_group_.back();
  no_group_.pop_back();
  groups_[group] = {};
  group_by_network_.emplace(network, group);
  by_count_.insert(group);
  return group;
}

void Ledger::add(std::uint32_t record, const Entry& entry) {
  CHECK(record < records_ && !has(record));
  for (std::size_t each = slots_.size(); each <= record; ++each) {  // those of a table that was there before
    unused_.push_back(static_cast<std::uint32_t>(each));
    slots_.emplace_back();
  }
  const std::uint32_t number = group_of(entry.network);
  Group& group = groups_[number];
  slots_[record] = {.entry = entry, .used = true, .group = number, .older = group.newest, .newer = kNone};
  (group.newest == kNone ? group.oldest : slots_[group.newest].newer) = record;
  group.newest = record;
  ++group.count;
  by_count_.update(number);
  by_end_.insert(record);
}

void Ledger::remove(std::uint32_t record) {
  CHECK(has(record));
  by_end_.remove(record);
  Slot& slot = slots_[record];
  Group& group = groups_[slot.group];
  (slot.older == kNone ? group.oldest : slots_[slot.older].newer) = slot.newer;
  (slot.newer == kNone ? group.newest : slots_[slot.newer].older) = slot.older;
  --group.count;
  by_count_.update(slot.group);
  if (group.count == 0) {
    by_count_.remove(slot.group);
    group_by_network_.erase(slot.entry.network);
    no_group_.push_back(slot.group);
  }
  slot = {};
  unused_.push_back(record);
}

std::optional<std::uint32_t> Ledger::first_to_end() const {
  if (by_end_.empty()) return std::nullopt;
  return by_end_.top();
}

std::uint64_t Ledger::count(std::uint32_t network) const {
  const auto group = group_by_network_.find(network);
  return group == group_by_network_.end() ? 0 : groups_[group->second].count;
}

Ledger::Largest Ledger::largest() const {
  const Group& group = groups_[by_count_.top()];
  return {group.count, group.oldest};
}

}  // namespace swage::shm
