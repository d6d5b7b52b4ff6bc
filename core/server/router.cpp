#include "core/server/router.h"

#include <algorithm>
#include <array>

#include "core/dns/label_hash.h"

namespace swage::server {
namespace {

constexpr std::uint64_t kRootHash = 0x9E3779B97F4A7C15;

std::uint64_t hash_name(dns::NameView name) {
  return name.is_root() ? kRootHash : dns::hash_label(hash_name(name.parent()), name.data());
}

}  // namespace

bool Router::add(dns::NameView zone, const Block& block) {
  filtered_ = filtered_ || !block.filters.empty();
  const Entry entry{hash_name(zone), {&block, zone}};
  if (const Entry* const there = table_.empty() ? nullptr : find(entry.hash, zone)) {
    return add_next(table_[static_cast<std::size_t>(there - table_.data())], block);
  }
  if (2 * (count_ + 1) > table_.size()) {
    std::vector<Entry> old(std::max<std::size_t>(8, table_.size() * 2));
    old.swap(table_);
    for (const Entry& each : old) {
      if (each.match.block != nullptr) insert(each);
    }
  }
  insert(entry);
  ++count_;
  most_labels_ = std::max(most_labels_, zone.label_count());
  return true;
}

bool Router::add_next(Entry& entry, const Block& block) {
  bool all = entry.match.block->filters.empty();
  std::uint32_t* last = &entry.next;
  for (; *last != 0; last = &next_[*last - 1].next) all = all || next_[*last - 1].block->filters.empty();
  if (all && block.filters.empty()) return false;
  *last = static_cast<std::uint32_t>(next_.size() + 1);
  next_.push_back({&block, 0});
  return true;
}

void Router::insert(const Entry& entry) {
  std::size_t index = entry.hash & (table_.size() - 1);
  while (table_[index].match.block != nullptr) index = (index + 1) & (table_.size() - 1);
  table_[index] = entry;
}

const Router::Entry* Router::find(std::uint64_t hash, dns::NameView name) const {
  for (std::size_t index = hash & (table_.size() - 1);; index = (index + 1) & (table_.size() - 1)) {
    const Entry& entry = table_[index];
    if (entry.match.block == nullptr) return nullptr;
    if (entry.hash == hash && entry.match.zone.same_spelling(name)) return &entry;
  }
}

bool Router::serves(dns::NameView zone, const Block& block) const {
  const Entry* const entry = table_.empty() ? nullptr : find(hash_name(zone), zone);
  if (entry == nullptr || entry->match.block == &block) return entry != nullptr;
  for (std::uint32_t next = entry->next; next != 0; next = next_[next - 1].next) {
    if (next_[next - 1].block == &block) return true;
  }
  return false;
}

Router::Match Router::match(const Query& query) const {
  if (query.qtype == dns::Type::ds && query.label_count > 0) [[unlikely]] {
    const Match above = match(query, query.label_count - 1U);
    if (above.block != nullptr) return above;
  }
  return match(query, query.label_count);
}

Router::Match Router::match(const Query& query, std::size_t most_labels) const {
  Match best;
  if (table_.empty()) return best;
  if (filtered_) [[unlikely]]
    return match_filtered(query, most_labels);
  std::uint64_t hash = kRootHash;
  const std::size_t most = std::min(most_labels, most_labels_);
  for (std::size_t labels = 0;; ++labels) {
    const dns::NameView suffix = query.key_suffix(query.label_count - labels);
    if (const Entry* const entry = find(hash, suffix)) best = entry->match;
    if (labels == most) return best;
    hash = dns::hash_label(hash, query.key.data() + query.labels[query.label_count - labels - 1U]);
  }
}

// The longest zone with a block that takes the query.
Router::Match Router::match_filtered(const Query& query, std::size_t most_labels) const {
  std::array<const Entry*, dns::kMaxLabels + 1> found;
  std::size_t count = 0;
  std::uint64_t hash = kRootHash;
  const std::size_t most = std::min(most_labels, most_labels_);
  for (std::size_t labels = 0;; ++labels) {
    const dns::NameView suffix = query.key_suffix(query.label_count - labels);
    if (const Entry* const entry = find(hash, suffix)) found[count++] = entry;
    if (labels == most) break;
    hash = dns::hash_label(hash, query.key.data() + query.labels[query.label_count - labels - 1U]);
  }
  while (count > 0) {
    const Entry& entry = *found[--count];
    if (const Block* const block = accepting(entry, query)) return {block, entry.match.zone};
  }
  return {};
}

// The first of the zone's blocks that takes the query.
const Block* Router::accepting(const Entry& entry, const Query& query) const {
  const auto accepts = [&query](const auto& filter) { return filter->accepts(query); };
  const Block* block = entry.match.block;
  for (std::uint32_t next = entry.next;; next = next_[next - 1].next) {
    if (std::ranges::all_of(block->filters, accepts)) return block;
    if (next == 0) return nullptr;
    block = next_[next - 1].block;
  }
}

}  // namespace swage::server
