// The writer's half of a table. See table.h for why it is right; each step() marks a place between two stores.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/shm/table.h"

namespace swage::shm {

using table::Place;
using table::Value;
using table::Version;
using table::Word;

namespace {

void make_mutex(pthread_mutex_t& mutex) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  CHECK(pthread_mutex_init(&mutex, &attributes) == 0);
  pthread_mutexattr_destroy(&attributes);
}

Bytes key_of(const Version& version) {
  return {version.key.data(), std::min<std::size_t>(version.key_size, table::kMaxKey)};
}

// `value`, then what `old` has that is live and another.
Version with_newest(const Value& value, const Version& old, std::int64_t now) {
  Version version{};
  version.values[version.count++] = value;
  for (std::size_t i = 0; i < std::min<std::size_t>(old.count, table::kMaxValues); ++i) {
    const Value& each = old.values[i];
    if (each.expires <= now || (each.size == value.size && each.text == value.text)) continue;
    if (version.count < table::kMaxValues) version.values[version.count++] = each;
  }
  return version;
}

}  // namespace

std::string_view to_string(PutError error) {
  switch (error) {
    case PutError::full:
      return "the table is full";
    case PutError::share:
      return "the network has its share of the table";
    case PutError::invalid:
      return "the key or the value is none";
    case PutError::moved:
      return "the table gives way to another one";
    case PutError::missing:
      return "there is no table";
    case PutError::broken:
      return "the table cannot be locked";
  }
  return "";
}

// Holds the mutex of a table, also after one who died with it: what such a one left is whole.
class TableWriter::Lock {
 public:
  explicit Lock(TableWriter& writer) : mutex_(writer.parts_.header->writers.mutex) {
    int result = pthread_mutex_lock(&mutex_);
    if (result == EOWNERDEAD) result = pthread_mutex_consistent(&mutex_);
    held_ = result == 0;
  }
  ~Lock() {
    if (held_) pthread_mutex_unlock(&mutex_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  pthread_mutex_t& mutex_;
  bool held_;
};

std::size_t TableWriter::bytes_needed(std::uint64_t capacity) { return table::Geometry::of(capacity).size; }

void TableWriter::format(MutableBytes memory, std::uint64_t capacity, const std::array<std::uint8_t, 16>& seed) {
  CHECK(capacity >= 1 && capacity <= table::kMaxCapacity && memory.size() == bytes_needed(capacity));
  auto& header = *reinterpret_cast<table::Header*>(memory.data());
  make_mutex(header.writers.mutex);
  header.identity = table::make_identity(capacity, seed);
}

std::uint64_t TableWriter::restore(MutableBytes memory) {
  TableWriter writer(memory);
  CHECK(writer.exists());
  const auto& parts = writer.parts_;
  make_mutex(parts.header->writers.mutex);
  for (Word* hint : {&parts.header->writers.hand, &parts.header->writers.spare, &parts.header->writers.full_until,
                     &parts.header->writers.moved, &parts.header->writers.lifetime}) {
    hint->store(0, std::memory_order_relaxed);
  }
  std::uint64_t removed = 0;
  for (std::uint64_t at = 0; at < parts.geometry.lines * 8; ++at) {
    Word& word = parts.lines[at / 8].words[at % 8];
    const std::uint64_t named = word.load(std::memory_order_relaxed);
    if (named == 0) continue;
    const std::uint64_t record = table::record_of(named);
    // Sound, and this very word is the one by which its key is found.
    Version version;
    const bool sound = Table(memory).read(word, version) == Table::Copied::whole;
    if (sound && writer.location_of(record).word == &word) continue;
    word.store(0, std::memory_order_relaxed);
    ++removed;
  }
  return removed;
}

TableWriter::TableWriter(MutableBytes memory, Step between_stores) : step_(between_stores) {
  if (const Table table(memory); table.exists()) parts_ = {memory.data(), table::Geometry::of(table.capacity())};
}

std::expected<void, PutError> TableWriter::put(Bytes key, std::string_view value, std::int64_t expires,
                                               std::int64_t now) {
  if (!exists()) return std::unexpected(PutError::missing);
  if (key.empty() || key.size() > table::kMaxKey || value.empty() || value.size() > table::kMaxValue ||
      expires <= now) {
    return std::unexpected(PutError::invalid);
  }
  const Lock lock(*this);
  if (!lock.held()) return std::unexpected(PutError::broken);
  Value newest{expires, static_cast<std::uint8_t>(value.size()), {}};
  std::ranges::copy(value, newest.text.begin());
  Version old{};
  if (const Location at = locate(key); at.word != nullptr) load(at.record, old);
  Version version = with_newest(newest, old, now);
  version.key_size = static_cast<std::uint8_t>(key.size());
  std::ranges::copy(key, version.key.begin());
  return store(version, now);
}

std::expected<void, PutError> TableWriter::replace(const Version& given, std::int64_t now) {
  if (!exists()) return std::unexpected(PutError::missing);
  const Lock lock(*this);
  if (!lock.held()) return std::unexpected(PutError::broken);
  Version version = given;
  return store(version, now);
}

// REQUIRES, as all that follows: the mutex is held.
std::expected<void, PutError> TableWriter::store(Version& version, std::int64_t now) {
  if (parts_.header->writers.moved.load(std::memory_order_relaxed) == 1) return std::unexpected(PutError::moved);
  version.end = 0;
  for (std::size_t i = 0; i < version.count; ++i) version.end = std::max(version.end, version.values[i].expires);
  const Location old = locate(key_of(version));
  if (old.word == nullptr) return insert(version, now);
  if (spare_record() >= parts_.geometry.records) return std::unexpected(PutError::full);  // damaged: none is left
  update(old, version);
  return {};
}

void TableWriter::update(const Location& old, const Version& version) {
  table::WriterState& state = parts_.header->writers;
  const auto end = static_cast<std::uint64_t>(version.end);
  if (end < state.full_until.load(std::memory_order_relaxed)) state.full_until.store(end, std::memory_order_relaxed);
  const std::uint64_t record = spare_record();
  fill(record, version);
  publish(*old.word,
          table::make_word(static_cast<std::uint32_t>(old.word->load(std::memory_order_relaxed) >> 32), record));
  state.spare.store(old.record, std::memory_order_relaxed);
  step();
}

std::expected<void, PutError> TableWriter::insert(const Version& version, std::int64_t now) {
  table::WriterState& state = parts_.header->writers;
  const Place place = table::place_of(key_of(version), parts_.header->identity, parts_.geometry);
  if (static_cast<std::uint64_t>(now) < state.full_until.load(std::memory_order_relaxed)) {
    return std::unexpected(PutError::full);
  }
  const std::uint64_t record = take_record(now);
  if (record >= parts_.geometry.records) return std::unexpected(PutError::full);
  Word* const word = empty_word(place, now);
  if (word == nullptr) return std::unexpected(PutError::full);
  fill(record, version);
  publish(*word, table::make_word(place.tag, record));
  return {};
}

// A record for a new entry, but not the spare one: one that is not in use, or one whose values have all expired, which
// is taken out of the index. geometry.records where every entry is live; then it is remembered until when.
std::uint64_t TableWriter::take_record(std::int64_t now) {
  table::WriterState& state = parts_.header->writers;
  const std::uint64_t records = parts_.geometry.records;
  const std::uint64_t spare = spare_record();
  std::uint64_t full_until = UINT64_MAX;
  std::uint64_t at = state.hand.load(std::memory_order_relaxed);
  for (std::uint64_t i = 0; i < records; ++i) {
    at = at + 1 < records ? at + 1 : 0;
    if (at == spare) continue;
    const auto end = static_cast<std::int64_t>(parts_.records[at].words[0].load(std::memory_order_relaxed));
    const Location user = location_of(at);
    if (user.word != nullptr && end > now) {
      full_until = std::min(full_until, static_cast<std::uint64_t>(end));
      continue;
    }
    if (user.word != nullptr) publish(*user.word, 0);
    state.hand.store(at, std::memory_order_relaxed);
    step();
    return at;
  }
  state.full_until.store(full_until, std::memory_order_relaxed);
  return records;
}

// A record that nobody uses, for the next version of an entry. geometry.records where a damaged table has none.
std::uint64_t TableWriter::spare_record() const {
  const std::uint64_t records = parts_.geometry.records;
  const std::uint64_t hint = parts_.header->writers.spare.load(std::memory_order_relaxed);
  if (hint < records && !in_use(hint)) return hint;
  // A writer died before it could note the record that its update had freed.
  for (std::uint64_t at = 0; at < records; ++at) {
    if (!in_use(at)) {
      parts_.header->writers.spare.store(at, std::memory_order_relaxed);
      return at;
    }
  }
  return records;
}

TableWriter::Location TableWriter::locate(Bytes key) const {
  const Place place = table::place_of(key, parts_.header->identity, parts_.geometry);
  for (const std::uint64_t line : place.lines) {
    for (Word& word : parts_.lines[line].words) {
      const std::uint64_t named = word.load(std::memory_order_relaxed);
      const std::uint64_t record = table::record_of(named);
      if (!table::has_tag(named, place.tag) || record >= parts_.geometry.records) continue;
      Version version;
      load(record, version);
      if (std::ranges::equal(key_of(version), key)) return {&word, record};
    }
  }
  return {};
}

// Who uses a record: the word of the key that stands in it, if that word names it.
TableWriter::Location TableWriter::location_of(std::uint64_t record) const {
  Version version;
  load(record, version);
  const Location found = locate(key_of(version));
  return found.word != nullptr && found.record == record ? found : Location{};
}

// An empty word of the lines, the emptier one first; where there is none, that of an expired entry.
Word* TableWriter::empty_word(const Place& place, std::int64_t now) {
  const auto is_empty = [](const Word& word) { return word.load(std::memory_order_relaxed) == 0; };
  table::Line& first = parts_.lines[place.lines[0]];
  table::Line& second = parts_.lines[place.lines[1]];
  table::Line& line =
      std::ranges::count_if(second.words, is_empty) > std::ranges::count_if(first.words, is_empty) ? second : first;
  if (Word* const word = std::ranges::find_if(line.words, is_empty); word != line.words.end()) return word;
  for (Word& word : line.words) {
    const std::uint64_t record = table::record_of(word.load(std::memory_order_relaxed));
    const bool live = record<parts_.geometry.records&& static_cast<std::int64_t>(
        parts_.records[record].words[0].load(std::memory_order_relaxed))>
        now;
    if (live) continue;
    publish(word, 0);
    return &word;
  }
  return nullptr;
}

void TableWriter::load(std::uint64_t record, Version& version) const {
  for (std::size_t i = 0; i < parts_.records[record].words.size(); ++i) {
    const std::uint64_t value = parts_.records[record].words[i].load(std::memory_order_relaxed);
    std::memcpy(reinterpret_cast<std::uint8_t*>(&version) + i * sizeof value, &value, sizeof value);
  }
}

// REQUIRES: no word names the record.
void TableWriter::fill(std::uint64_t number, const Version& version) {
  table::Record& record = parts_.records[number];
  const std::uint64_t odd = record.sequence.load(std::memory_order_relaxed) | 1;
  record.sequence.store(odd, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_release);
  step();
  for (std::size_t i = 0; i < record.words.size(); ++i) {
    std::uint64_t value;
    std::memcpy(&value, reinterpret_cast<const std::uint8_t*>(&version) + i * sizeof value, sizeof value);
    record.words[i].store(value, std::memory_order_relaxed);
    step();
  }
  const std::uint64_t even = odd + 1;
  record.sequence.store(even == 0 ? 2 : even, std::memory_order_release);  // a damaged one may overflow; 0 is no number
  step();
}

void TableWriter::publish(Word& word, std::uint64_t value) {
  word.store(value, std::memory_order_release);
  step();
}

std::expected<void, PutError> TableWriter::copy_to(TableWriter& other, std::int64_t now, bool for_good) {
  if (!exists()) return std::unexpected(PutError::missing);
  const Lock lock(*this);
  if (!lock.held()) return std::unexpected(PutError::broken);
  for (std::uint64_t record = 0; record < parts_.geometry.records; ++record) {
    Version version;
    load(record, version);
    if (version.end <= now || version.count > table::kMaxValues || !in_use(record)) continue;
    if (const auto copied = other.replace(version, now); !copied) return copied;
  }
  if (for_good) parts_.header->writers.moved.store(1, std::memory_order_release);
  return {};
}

void TableWriter::set_lifetime(std::int64_t milliseconds) {
  parts_.header->writers.lifetime.store(static_cast<std::uint64_t>(milliseconds), std::memory_order_relaxed);
}

std::int64_t TableWriter::lifetime() const {
  return static_cast<std::int64_t>(parts_.header->writers.lifetime.load(std::memory_order_relaxed));
}

}  // namespace swage::shm
