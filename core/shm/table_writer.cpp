// The writer's half of a table. See table.h for why it is right; each step() marks a place between two stores.
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/shm/table.h"

namespace swage::shm {

using table::Place;
using table::Value;
using table::Version;
using table::Word;

namespace {

constexpr std::uint64_t kWordsPerLine = 8;
// What another table, or a file, says of a lifetime is believed up to here: acme-txt's longest.
constexpr std::int64_t kMaxLife = std::int64_t{366} * 86'400'000;  // milliseconds

Bytes key_of(const Version& version) {
  return {version.key.data(), std::min<std::size_t>(version.key_size, table::kMaxKey)};
}

std::int64_t end_of(const Version& version) {
  std::int64_t end = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(version.count, table::kMaxValues); ++i) {
    end = std::max(end, version.values[i].expires);
  }
  return end;
}

std::string_view text_of(const Value& value) {
  return {value.text.data(), std::min<std::size_t>(value.size, table::kMaxValue)};
}

void add_value(Version& version, const Value& value) {
  version.end = std::max(version.end, value.expires);
  version.values[version.count++] = value;
}

// `value`, then what `old` has that is live and another. Whatever `old` says, the result is sound.
Version with_newest(const Value& value, const Version& old, std::int64_t now) {
  Version version{};
  add_value(version, value);
  for (std::size_t i = 0; i < std::min<std::size_t>(old.count, table::kMaxValues); ++i) {
    const Value& each = old.values[i];
    if (each.expires <= now || each.size > table::kMaxValue) continue;
    if (each.size == value.size && each.text == value.text) continue;
    if (version.count < table::kMaxValues) add_value(version, each);
  }
  return version;
}

// What is live in `given`, and nothing else of its bytes.
Version only_live(const Version& given, std::int64_t now) {
  Version version{};
  version.key_size = std::min<std::uint8_t>(given.key_size, table::kMaxKey);
  std::copy_n(given.key.begin(), version.key_size, version.key.begin());
  version.network = given.network;
  for (std::size_t i = 0; i < std::min<std::size_t>(given.count, table::kMaxValues); ++i) {
    const Value& each = given.values[i];
    if (each.expires <= now || each.size == 0 || each.size > table::kMaxValue) continue;
    Value value{.expires = std::min(each.expires, now + kMaxLife), .size = each.size, .text = {}};
    std::copy_n(each.text.begin(), value.size, value.text.begin());
    add_value(version, value);
  }
  return version;
}

// `version` as it ends by another clock. However far away an end is said to be, it is at most kMaxLife.
void change_clock(Version& version, std::int64_t from, std::int64_t to) {
  for (std::size_t i = 0; i < std::min<std::size_t>(version.count, table::kMaxValues); ++i) {
    version.values[i].expires = std::clamp(version.values[i].expires, from, from + kMaxLife) - from + to;
  }
}

// 32 bits have room in a Version. With the table's seed, so that nobody can look for two networks with the same ones.
std::uint32_t short_network(NetworkId network, const TableWriter::Seed& seed) {
  if (network == NetworkId{}) return 0;
  std::uint64_t hash;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<const unsigned char*>(&network),
                   sizeof network, seed.data());
  return std::max<std::uint32_t>(static_cast<std::uint32_t>(hash), 1);
}

}  // namespace

std::string_view to_string(PutError error) {
  switch (error) {
    case PutError::full:
      return "the table is full";
    case PutError::share:
      return "the network has its share of a full table";
    case PutError::invalid:
      return "the key or the value is empty or too long";
    case PutError::moved:
      return "the table is being replaced";
    case PutError::missing:
      return "there is no table";
  }
  return "";
}

std::size_t TableWriter::bytes_needed(std::uint64_t capacity) { return table::Geometry::of(capacity).size; }

void TableWriter::format(MutableBytes memory, std::uint64_t capacity, const Seed& seed, Clock clock) {
  CHECK(capacity >= 1 && capacity <= table::kMaxCapacity && memory.size() == bytes_needed(capacity));
  auto* const header = reinterpret_cast<table::Header*>(memory.data());
  header->identity = table::make_identity(capacity, seed);
  header->clock.store(std::uint64_t(clock), std::memory_order_relaxed);
}

TableWriter::TableWriter(MutableBytes memory, Step after_store) : step_(after_store) {
  const Table table(memory);
  if (!table.exists()) return;
  parts_ = {memory.data(), table::Geometry::of(table.capacity())};
  std::memcpy(&identity_, &parts_.header->identity, sizeof identity_);
  clock_ = table.clock();
  ledger_ = std::make_unique<Ledger>(parts_.geometry.records);
  read_index();
}

template <typename Is>
TableWriter::Location TableWriter::locate(Bytes key, Is is_right) const {
  const Place place = place_of(key);
  for (const std::uint64_t line : place.lines) {
    for (std::uint64_t at = line * kWordsPerLine; at < (line + 1) * kWordsPerLine; ++at) {
      const std::uint64_t named = word(at).load(std::memory_order_relaxed);
      const std::uint64_t record = table::record_of(named);
      if (!table::has_tag(named, place.tag) || record >= parts_.geometry.records || !is_right(at, record)) continue;
      Version version;
      load(record, version);
      if (std::ranges::equal(key_of(version), key)) return {at, static_cast<std::uint32_t>(record)};
    }
  }
  return {};
}

// The word and the record of a key; only a word that the ledger knows.
TableWriter::Location TableWriter::locate(Bytes key) const {
  return locate(key, [this](std::uint64_t at, std::uint64_t record) {
    return ledger_->has(record) && ledger_->at(record).word == at;
  });
}

// The entries go into the ledger in the order in which they expire: that in which they came, more or less.
void TableWriter::read_index() {
  struct Found {
    std::uint32_t record;
    Ledger::Entry entry;
  };
  std::vector<Found> found;
  std::vector<bool> taken(parts_.geometry.records);
  const Table reader({reinterpret_cast<const std::uint8_t*>(parts_.header), parts_.geometry.size});
  for (std::uint64_t at = 0; at < parts_.geometry.lines * kWordsPerLine; ++at) {
    const std::uint64_t named = word(at).load(std::memory_order_relaxed);
    if (named == 0) continue;
    const std::uint64_t record = table::record_of(named);
    Version version;
    bool sound = reader.exists() && record < parts_.geometry.records && !taken[record] &&
                 reader.read(word(at), version) == Table::Copied::whole;
    if (sound) {  // and it is here that the key is looked for
      const Place place = place_of(key_of(version));
      sound = table::has_tag(named, place.tag) && std::ranges::count(place.lines, at / kWordsPerLine) != 0 &&
              locate(key_of(version), [](std::uint64_t, std::uint64_t) { return true; }).word == at;
    }
    if (sound) {
      taken[record] = true;
      found.push_back({static_cast<std::uint32_t>(record), {at, version.network, end_of(version)}});
    } else {
      word(at).store(0, std::memory_order_relaxed);
      ++removed_;
    }
  }
  std::ranges::stable_sort(found, {}, [](const Found& each) { return each.entry.end; });
  for (const Found& each : found) ledger_->add(each.record, each.entry);
}

std::expected<void, PutError> TableWriter::put(Bytes key, std::string_view value, std::int64_t expires,
                                               std::int64_t now, NetworkId network, Room room) {
  if (!exists()) return std::unexpected(PutError::missing);
  if (!table::is_sound(key, value) || expires <= now) return std::unexpected(PutError::invalid);
  Value newest{expires, static_cast<std::uint8_t>(value.size()), {}};
  std::ranges::copy(value, newest.text.begin());
  Version old{};
  if (const Location at = locate(key); at.word != kNoWord) load(at.record, old);
  Version version = with_newest(newest, old, now);
  version.key_size = static_cast<std::uint8_t>(key.size());
  std::ranges::copy(key, version.key.begin());
  version.network = short_network(network, identity_.seed);
  return store(version, now, room);
}

void TableWriter::erase(Bytes key, std::string_view value, std::int64_t now) {
  const Location at = exists() ? locate(key) : Location{};
  if (at.word == kNoWord) return;
  Version old;
  load(at.record, old);
  Version version = only_live(old, now);
  auto* const last = std::remove_if(version.values.begin(), version.values.begin() + version.count,
                                    [&](const Value& each) { return text_of(each) == value; });
  version.count = static_cast<std::uint8_t>(last - version.values.begin());
  version.end = end_of(version);
  if (version.count == 0) {
    remove(at.record);
  } else {
    static_cast<void>(replace(version, now, Room::free));  // in the place that it has
  }
}

std::expected<std::optional<Version>, PutError> TableWriter::room_for(Bytes key, std::int64_t now, NetworkId network,
                                                                      std::uint64_t reserve) {
  if (!exists()) return std::unexpected(PutError::missing);
  expire(now);
  const bool is_free = ledger_->size() + 1 + reserve < parts_.geometry.records;
  if (is_free || locate(key).word != kNoWord) return std::optional<Version>();
  const std::uint64_t ours = ledger_->count(short_network(network, identity_.seed));
  if (ledger_->size() == 0 || ledger_->largest().count < ours + 2) {
    return std::unexpected(ours != 0 && ours != ledger_->size() ? PutError::share : PutError::full);
  }
  Version oldest{};
  load(ledger_->largest().oldest, oldest);
  return std::optional<Version>(oldest);
}

std::expected<void, PutError> TableWriter::replace(const Version& given, std::int64_t now, Room room) {
  if (!exists()) return std::unexpected(PutError::missing);
  const Version version = only_live(given, now);
  if (version.key_size == 0 || version.count == 0) return std::unexpected(PutError::invalid);
  if (const Location at = locate(key_of(version)); at.word != kNoWord) {
    static_assert(std::has_unique_object_representations_v<Version>);
    Version known;
    load(at.record, known);
    if (std::memcmp(&known, &version, sizeof version) == 0) return {};
  }
  return store(version, now, room);
}

// In the order in which they expire, as read_index() does. Between the two looks at an entry it may have changed.
std::uint64_t TableWriter::take_over(const Table& other, const Moment& moment, Room room) {
  const std::int64_t theirs = moment.by(other.clock()), ours = moment.by(clock_);
  std::vector<std::pair<std::int64_t, std::uint64_t>> found;  // end, word
  const std::uint64_t words = other.parts_.geometry.lines * kWordsPerLine;
  Version version;
  for (std::uint64_t at = 0; at < words; ++at) {
    if (other.read_patiently(at, version) && end_of(version) > theirs) found.emplace_back(end_of(version), at);
  }
  std::ranges::sort(found);
  std::uint64_t without_room = 0;
  for (const auto& [end, at] : found) {
    if (!other.read_patiently(at, version)) continue;
    if (other.clock() != clock_) change_clock(version, theirs, ours);
    const auto replaced = replace(version, ours, room);
    without_room += !replaced && replaced.error() != PutError::invalid ? 1 : 0;
  }
  return without_room;
}

// REQUIRES, of `version`: it is sound, and has a value.
std::expected<void, PutError> TableWriter::store(const Version& version, std::int64_t now, Room room) {
  expire(now);
  const Location old = locate(key_of(version));
  if (old.word == kNoWord) return insert(version, room);
  const std::uint32_t record = ledger_->unused();  // there is one more than entries
  fill(record, version);
  publish(old.word, table::make_word(place_of(key_of(version)).tag, record));
  ledger_->remove(old.record);
  ledger_->add(record, {old.word, version.network, version.end});
  return {};
}

std::expected<void, PutError> TableWriter::insert(const Version& version, Room room) {
  const Place place = place_of(key_of(version));
  if (ledger_->size() + 1 >= parts_.geometry.records && (room == Room::free || !make_room(version.network))) {
    const std::uint64_t ours = ledger_->count(version.network);
    return std::unexpected(ours != 0 && ours != ledger_->size() ? PutError::share : PutError::full);
  }
  const std::uint64_t at = empty_word(place);
  if (at == kNoWord) return std::unexpected(PutError::full);
  const std::uint32_t record = ledger_->unused();
  fill(record, version);
  publish(at, table::make_word(place.tag, record));
  ledger_->add(record, {at, version.network, version.end});
  return {};
}

// Takes the oldest entry of a network that has most, if that has more than `network` even afterwards.
bool TableWriter::make_room(std::uint32_t network) {
  const Ledger::Largest largest = ledger_->largest();
  if (largest.count < ledger_->count(network) + 2) return false;
  remove(largest.oldest);
  return true;
}

// Takes out what has expired.
void TableWriter::expire(std::int64_t now) {
  for (auto first = ledger_->first_to_end(); first && ledger_->at(*first).end <= now; first = ledger_->first_to_end()) {
    remove(*first);
  }
}

void TableWriter::remove(std::uint32_t record) {
  const std::uint64_t at = ledger_->at(record).word;
  if (table::record_of(word(at).load(std::memory_order_relaxed)) == record) publish(at, 0);
  ledger_->remove(record);
}

Place TableWriter::place_of(Bytes key) const { return table::place_of(key, identity_, parts_.geometry); }

// A word of the lines without an entry, of the emptier line. kNoWord: there is none.
std::uint64_t TableWriter::empty_word(const Place& place) const {
  std::uint64_t best = kNoWord;
  std::size_t most = 0;
  for (const std::uint64_t line : place.lines) {
    std::uint64_t first = kNoWord;
    std::size_t count = 0;
    for (std::uint64_t at = line * kWordsPerLine; at < (line + 1) * kWordsPerLine; ++at) {
      const std::uint64_t record = table::record_of(word(at).load(std::memory_order_relaxed));
      if (ledger_->has(record) && ledger_->at(record).word == at) continue;
      if (count++ == 0) first = at;
    }
    if (count > most) {
      most = count;
      best = first;
    }
  }
  return best;
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
  record.sequence.store(even == 0 ? 2 : even,
                        std::memory_order_release);  // a damaged one may overflow; 0 is not a number
  step();
  reflect(&record, sizeof record);
}

void TableWriter::publish(std::uint64_t at, std::uint64_t value) {
  word(at).store(value, std::memory_order_release);
  step();
  reflect(&word(at), sizeof(Word));
}

// `from`: of the table's memory.
void TableWriter::reflect(const void* from, std::size_t size) {
  if (!mirror_) return;
  const auto* const start = static_cast<const std::uint8_t*>(from);
  mirror_(static_cast<std::uint64_t>(start - reinterpret_cast<const std::uint8_t*>(parts_.header)), {start, size});
  step();
}

void TableWriter::mirror_to(Mirror mirror) {
  constexpr std::uint64_t kPiece = 64;  // lines of the index, or records
  mirror_ = std::move(mirror);
  reflect(parts_.header, sizeof(table::Header));
  std::vector<bool> lines(parts_.geometry.lines / kPiece + 1), records(parts_.geometry.records / kPiece + 1);
  for (std::uint64_t record = 0; record < parts_.geometry.records; ++record) {
    if (!ledger_->has(record)) continue;
    records[record / kPiece] = true;
    lines[ledger_->at(record).word / kWordsPerLine / kPiece] = true;
  }
  for (std::uint64_t i = 0; i < lines.size(); ++i) {
    const std::uint64_t count = std::min(kPiece, parts_.geometry.lines - i * kPiece);
    if (lines[i]) reflect(&parts_.lines[i * kPiece], count * sizeof(table::Line));
  }
  for (std::uint64_t i = 0; i < records.size(); ++i) {
    const std::uint64_t count = std::min(kPiece, parts_.geometry.records - i * kPiece);
    if (records[i]) reflect(&parts_.records[i * kPiece], count * sizeof(table::Record));
  }
}

void TableWriter::set_lifetime(std::int64_t milliseconds) {
  if (!exists()) return;
  parts_.header->lifetime.store(static_cast<std::uint64_t>(milliseconds), std::memory_order_relaxed);
  reflect(&parts_.header->lifetime, sizeof(Word));
}

std::int64_t TableWriter::lifetime() const {
  return exists() ? static_cast<std::int64_t>(parts_.header->lifetime.load(std::memory_order_relaxed)) : 0;
}

void TableWriter::set_valid_until(std::int64_t boot_milliseconds) {
  if (!exists()) return;
  parts_.header->valid_until.store(static_cast<std::uint64_t>(boot_milliseconds), std::memory_order_release);
}

}  // namespace swage::shm
