// The reader's half of a table. See table.h for why it is right.
#include "core/shm/table.h"

#include <algorithm>
#include <cstring>

namespace swage::shm {

using table::Place;
using table::Value;
using table::Version;
using table::Word;

namespace {

constexpr std::size_t kHeadWords = offsetof(Version, values) / sizeof(Word);
constexpr std::size_t kValueWords = sizeof(Value) / sizeof(Word);
static_assert(offsetof(Version, values) % sizeof(Word) == 0 && sizeof(Value) % sizeof(Word) == 0);

bool is_sound(const Version& version) {
  if (version.key_size == 0 || version.key_size > table::kMaxKey || version.count > table::kMaxValues) return false;
  return std::all_of(version.values.begin(), version.values.begin() + version.count,
                     [](const Value& value) { return value.size <= table::kMaxValue; });
}

bool has_key(const Version& version, Bytes key) {
  return version.key_size == key.size() && std::memcmp(version.key.data(), key.data(), key.size()) == 0;
}

void take_live(const Version& version, std::int64_t now, TableValues& values) {
  values.count = 0;
  for (std::size_t i = 0; i < version.count; ++i) {
    if (version.values[i].expires > now) values.list[values.count++] = version.values[i];
  }
}

}  // namespace

Table::Table(Bytes memory) {
  if (memory.size() < table::kHeaderSize) return;
  const auto& identity = reinterpret_cast<const table::Header*>(memory.data())->identity;
  const std::uint64_t capacity = identity.capacity;
  if (identity.layout_version != table::kLayoutVersion || capacity == 0 || capacity > table::kMaxCapacity) return;
  const auto geometry = table::Geometry::of(capacity);
  if (geometry.size == memory.size()) parts_ = {memory.data(), geometry};
}

// Copies the version that `word` names, as far as it has values.
Table::Copied Table::read(const Word& word, Version& version) const {
  const std::uint64_t named = word.load(std::memory_order_acquire);
  if (table::record_of(named) >= parts_.geometry.records) return Copied::nothing;
  const table::Record& record = parts_.records[table::record_of(named)];
  const std::uint64_t sequence = record.sequence.load(std::memory_order_acquire);
  if (sequence == 0 || sequence % 2 != 0) return Copied::changed;

  const auto copy = [&](std::size_t from, std::size_t count) {
    auto* const to = reinterpret_cast<std::uint8_t*>(&version);
    for (std::size_t i = from; i < from + count; ++i) {
      const std::uint64_t value = record.words[i].load(std::memory_order_relaxed);
      std::memcpy(to + i * sizeof value, &value, sizeof value);
    }
  };
  copy(0, kHeadWords);
  copy(kHeadWords, std::min<std::size_t>(version.count, table::kMaxValues) * kValueWords);

  std::atomic_thread_fence(std::memory_order_acquire);
  if (record.sequence.load(std::memory_order_relaxed) != sequence) return Copied::changed;
  if (word.load(std::memory_order_relaxed) != named) return Copied::changed;
  return is_sound(version) ? Copied::whole : Copied::nothing;
}

bool Table::read_patiently(std::uint64_t at, Version& version) const {
  Copied copied = Copied::changed;
  for (int tries = 0; tries < kTries && copied == Copied::changed; ++tries) copied = read(word(at), version);
  return copied == Copied::whole;
}

Table::Found Table::find(Bytes key, std::int64_t now, TableValues& values) const {
  values.count = 0;
  if (!exists()) return Found::no;
  const Place place = table::place_of(key, parts_.header->identity, parts_.geometry);
  __builtin_prefetch(&parts_.lines[place.lines[1]]);
  for (int tries = 0; tries < kTries; ++tries) {
    bool changed = false;
    for (const std::uint64_t line : place.lines) {
      for (const Word& word : parts_.lines[line].words) {
        if (!table::has_tag(word.load(std::memory_order_relaxed), place.tag)) continue;
        Version version;
        const Copied copied = read(word, version);
        changed = changed || copied == Copied::changed;
        if (copied != Copied::whole || !has_key(version, key)) continue;
        take_live(version, now, values);
        return values.count != 0 ? Found::yes : Found::no;
      }
    }
    if (!changed) return Found::no;
  }
  return Found::unsettled;
}

std::uint64_t Table::count_live(std::int64_t now) const {
  std::uint64_t count = 0;
  for_each([&](const Version& version) { count += version.end > now ? 1 : 0; });
  return count;
}

}  // namespace swage::shm
