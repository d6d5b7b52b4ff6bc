// Both halves of a table of answers. See answer_table.h for why it is right.
#include "core/shm/answer_table.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

namespace swage::shm {

using answers::EntryHead;
using answers::Geometry;
using answers::Header;
using answers::kHeadUnits;
using answers::kRings;
using answers::Line;
using answers::Word;

namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'n', 's', 'w', 'e', '1'};
constexpr std::size_t kUsualEntry = 256;  // bytes: the index has a word for each such piece, and as many again
constexpr std::size_t kUnit = sizeof(Word);
constexpr int kTagShift = 49, kRingShift = 48;
constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kRingShift) - 1;

std::uint64_t units_of(std::size_t bytes) { return (bytes + kUnit - 1) / kUnit; }

std::uint64_t tag_of(std::uint64_t hash) { return hash >> kTagShift; }
std::size_t ring_of(AnswerKind kind) { return kind == AnswerKind::success ? 0 : 1; }
std::size_t ring_of(std::uint64_t word) { return word >> kRingShift & 1; }
std::uint64_t place_of(std::uint64_t word) { return (word & kPlaceMask) - 1; }

Geometry geometry_of(AnswerTableWriter::Room room) {
  const auto units = [](std::size_t bytes) {
    return units_of(std::clamp(bytes, answers::kMinRing, answers::kMaxRing));
  };
  Geometry geometry{.units = {units(room.success), units(room.others)}};
  geometry.lines = std::bit_ceil((geometry.units[0] + geometry.units[1]) * kUnit / kUsualEntry / 4);
  return geometry;
}

// Believed no more than the memory's size shows.
bool is_sound(const Geometry& geometry, std::size_t size) {
  const auto fits = [](std::uint64_t units) {
    return units >= answers::kMinRing / kUnit && units <= answers::kMaxRing / kUnit;
  };
  return fits(geometry.units[0]) && fits(geometry.units[1]) && std::has_single_bit(geometry.lines) &&
         geometry.lines <= size / sizeof(Line) && geometry.size() == size;
}

}  // namespace

AnswerTable::AnswerTable(Bytes memory) {
  if (memory.size() < answers::kHeaderSize) return;
  const auto* const header = reinterpret_cast<const Header*>(memory.data());
  if (header->identity.magic != kMagic) return;
  geometry_ = {header->identity.lines, header->identity.units};
  if (!is_sound(geometry_, memory.size())) return;
  seed_ = header->identity.seed;
  lines_ = reinterpret_cast<const Line*>(memory.data() + answers::kHeaderSize);
  header_ = header;
}

std::uint64_t AnswerTable::hash(Bytes key) const {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == std::tuple_size_v<answers::Seed>);
  std::uint64_t hash;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), key.data(), key.size(), seed_.data());
  return hash;
}

const Word* AnswerTable::ring(std::size_t number) const {
  return reinterpret_cast<const Word*>(reinterpret_cast<const std::uint8_t*>(header_) + geometry_.ring_at(number));
}

AnswerTable::Found AnswerTable::look_up(Bytes key) const {
  if (!exists()) return {};
  const std::uint64_t hash = this->hash(key);
  for (const Word& word : line(hash).words) {
    const std::uint64_t named = word.load(std::memory_order_acquire);
    if (named == 0 || named >> kTagShift != tag_of(hash)) continue;
    const Found found = entry(named);
    if (found.ring != nullptr && has_key(found, key)) return found;
  }
  return {};
}

AnswerTable::Found AnswerTable::entry(std::uint64_t word) const {
  const std::size_t number = ring_of(word);
  const std::uint64_t units = geometry_.units[number];
  const std::uint64_t place = place_of(word);
  const std::uint64_t at = place % units;
  if (units - at < kHeadUnits) return {};
  const Word* const ring = this->ring(number);
  const auto load = [&](std::size_t unit) { return ring[at + unit].load(std::memory_order_relaxed); };
  if (load(0) != place) return {};
  const std::uint64_t sizes = load(1);
  const std::size_t key_size = sizes >> 32 & 0xFFFF;
  const std::size_t size = sizes & 0xFFFF'FFFF;
  const std::uint64_t kind = sizes >> 48;
  if (key_size > answers::kMaxKey || size > answers::kMaxBytes || kind > 2) return {};
  const std::uint64_t bytes_at = at + kHeadUnits + units_of(key_size);
  if (bytes_at + units_of(size) > units) return {};
  const AnswerFacts facts{static_cast<std::int64_t>(load(2)), static_cast<std::uint32_t>(load(3)),
                          static_cast<AnswerKind>(kind)};
  return {ring, number, place, bytes_at, key_size, size, facts};
}

bool AnswerTable::has_key(const Found& found, Bytes key) const {
  if (found.key_size != key.size()) return false;
  const Word* from = found.ring + found.at - units_of(found.key_size);
  const auto is_next = [&from](std::uint64_t unit) { return (from++)->load(std::memory_order_relaxed) == unit; };
  Bytes rest = key;
  for (; rest.size() >= kUnit; rest = rest.subspan(kUnit)) {
    std::uint64_t unit;
    std::memcpy(&unit, rest.data(), kUnit);
    if (!is_next(unit)) return false;
  }
  if (rest.empty()) return true;
  std::array<std::uint8_t, kUnit> last{};  // filled up as fill() does
  for (std::size_t i = 0; i < rest.size(); ++i) last[i] = rest[i];
  return is_next(std::bit_cast<std::uint64_t>(last));
}

void AnswerTable::copy(const Found& found, MutableBytes to) {
  const Word* from = found.ring + found.at;
  for (; to.size() >= kUnit; to = to.subspan(kUnit), ++from) {
    const std::uint64_t unit = from->load(std::memory_order_relaxed);
    std::memcpy(to.data(), &unit, kUnit);
  }
  if (to.empty()) return;
  const std::uint64_t unit = from->load(std::memory_order_relaxed);
  std::memcpy(to.data(), &unit, to.size());
}

bool AnswerTable::is_whole(const Found& found) const {
  std::atomic_thread_fence(std::memory_order_acquire);
  return !is_gone(found.number, found.place);
}

bool AnswerTable::is_gone(std::size_t ring, std::uint64_t place) const {
  const std::uint64_t written = header_->written[ring].words[0].load(std::memory_order_relaxed);
  return written < place || written - place > geometry_.units[ring];
}

void AnswerTable::for_each(const std::function<void(Bytes, const AnswerFacts&, Bytes)>& take) const {
  if (!exists()) return;
  std::vector<std::tuple<std::size_t, std::uint64_t, std::uint64_t>> words;  // ring and place, to be sorted by
  for (std::uint64_t i = 0; i < geometry_.lines; ++i) {
    for (const Word& each : lines_[i].words) {
      const std::uint64_t word = each.load(std::memory_order_acquire);
      if (word != 0) words.emplace_back(ring_of(word), place_of(word), word);
    }
  }
  std::ranges::sort(words);
  std::vector<std::uint8_t> key, bytes;
  for (const auto& [number, place, word] : words) {
    Found found = entry(word);
    if (found.ring == nullptr) continue;
    bytes.resize(found.size);
    copy(found, bytes);
    Found of_key = found;
    of_key.at -= units_of(found.key_size);
    key.resize(found.key_size);
    copy(of_key, key);
    if (is_whole(found)) take(key, found.facts, bytes);
  }
}

std::size_t AnswerTableWriter::bytes_needed(Room room) { return geometry_of(room).size(); }

AnswerTableWriter::AnswerTableWriter(MutableBytes memory, Room room, const Seed& seed, Step after_store)
    : step_(after_store) {
  const Geometry geometry = geometry_of(room);
  if (memory.size() != geometry.size()) return;
  header_ = reinterpret_cast<Header*>(memory.data());
  header_->identity = {kMagic, geometry.lines, geometry.units, seed};
  lines_ = reinterpret_cast<Line*>(memory.data() + answers::kHeaderSize);
  for (std::size_t i = 0; i < kRings; ++i) rings_[i] = reinterpret_cast<Word*>(memory.data() + geometry.ring_at(i));
  reader_ = AnswerTable(memory);
}

bool AnswerTableWriter::put(Bytes key, const AnswerFacts& facts, Bytes bytes) {
  if (!exists() || key.empty() || key.size() > answers::kMaxKey || bytes.size() > answers::kMaxBytes) return false;
  const std::size_t ring = ring_of(facts.kind);
  const std::uint64_t key_units = units_of(key.size());
  const std::uint64_t place = reserve(ring, kHeadUnits + key_units + units_of(bytes.size()));
  if (place >= kPlaceMask) return false;
  const EntryHead head{place,
                       std::uint64_t{static_cast<std::uint8_t>(facts.kind)} << 48 |
                           static_cast<std::uint64_t>(key.size()) << 32 | bytes.size(),
                       static_cast<std::uint64_t>(facts.stored), facts.ttl};
  fill(ring, place, {reinterpret_cast<const std::uint8_t*>(&head), sizeof head});
  fill(ring, place + kHeadUnits, key);
  fill(ring, place + kHeadUnits + key_units, bytes);
  const std::uint64_t hash = reader_.hash(key);
  Word& word = word_for(key, hash);
  count(ring, key, word.load(std::memory_order_relaxed));
  store(word, tag_of(hash) << kTagShift | std::uint64_t{ring} << kRingShift | (place + 1), std::memory_order_release);
  return true;
}

// Room for an entry that does not go over the end of the ring. From now on no reader takes what lay there.
std::uint64_t AnswerTableWriter::reserve(std::size_t ring, std::uint64_t units) {
  const std::uint64_t size = reader_.geometry_.units[ring];
  std::uint64_t place = places_[ring];
  const std::uint64_t left = size - place % size;
  if (units > left) place += left;
  places_[ring] = place + units;
  give_way(ring);
  store(header_->written[ring].words[0], places_[ring]);
  std::atomic_thread_fence(std::memory_order_release);
  return place;
}

// Takes the entries out of the counts that are about to be written over.
void AnswerTableWriter::give_way(std::size_t ring) {
  const std::uint64_t size = reader_.geometry_.units[ring];
  while (places_[ring] - oldest_[ring] > size) {
    std::uint64_t& place = oldest_[ring];
    const AnswerTable::Found found = reader_.entry(std::uint64_t{ring} << kRingShift | (place + 1));
    if (found.ring == nullptr) {  // the end of the ring, where the next entry had no room
      place += size - place % size;
      continue;
    }
    if (is_named(found)) {
      --counts_[ring].entries;
      ++counts_[ring].evictions;
    }
    place += found.at - place % size + units_of(found.size);
  }
}

// It is what the index leads to, under its key.
bool AnswerTableWriter::is_named(const AnswerTable::Found& found) const {
  std::array<std::uint8_t, answers::kMaxKey> key;
  AnswerTable::Found of_key = found;
  of_key.at -= units_of(found.key_size);
  AnswerTable::copy(of_key, MutableBytes(key).first(found.key_size));
  const std::uint64_t hash = reader_.hash(Bytes(key).first(found.key_size));
  const std::uint64_t word = tag_of(hash) << kTagShift | std::uint64_t{found.number} << kRingShift | (found.place + 1);
  return std::ranges::any_of(reader_.line(hash).words,
                             [word](const Word& each) { return each.load(std::memory_order_relaxed) == word; });
}

// One more entry, whose word in the index was `instead_of`.
void AnswerTableWriter::count(std::size_t ring, Bytes key, std::uint64_t instead_of) {
  ++counts_[ring].entries;
  if (instead_of == 0 || reader_.is_gone(ring_of(instead_of), place_of(instead_of))) return;
  Counts& before = counts_[ring_of(instead_of)];
  --before.entries;
  const AnswerTable::Found found = reader_.entry(instead_of);
  if (found.ring == nullptr || !reader_.has_key(found, key)) ++before.evictions;
}

void AnswerTableWriter::fill(std::size_t ring, std::uint64_t place, Bytes bytes) {
  Word* to = rings_[ring] + place % reader_.geometry_.units[ring];
  for (; !bytes.empty(); ++to) {
    std::uint64_t unit = 0;
    const std::size_t size = std::min(bytes.size(), kUnit);
    std::memcpy(&unit, bytes.data(), size);
    store(*to, unit);
    bytes = bytes.subspan(size);
  }
}

// The word of the key, or one that is empty, or that whose entry is the next of its line to be written over.
Word& AnswerTableWriter::word_for(Bytes key, std::uint64_t hash) const {
  Line& line = lines_[hash & (reader_.geometry_.lines - 1)];
  Word* oldest = line.words.data();
  double most = -1;  // of its ring has been written since
  for (Word& each : line.words) {
    const std::uint64_t word = each.load(std::memory_order_relaxed);
    const std::size_t ring = ring_of(word);
    const bool free = word == 0 || reader_.is_gone(ring, place_of(word));
    if (!free && word >> kTagShift == tag_of(hash)) {
      const AnswerTable::Found found = reader_.entry(word);
      if (found.ring != nullptr && reader_.has_key(found, key)) return each;
    }
    const double part =
        free ? 2
             : static_cast<double>(places_[ring] - place_of(word)) / static_cast<double>(reader_.geometry_.units[ring]);
    if (part > most) most = part, oldest = &each;
  }
  return *oldest;
}

std::size_t AnswerTableWriter::remove(const std::function<bool(Bytes)>& unwanted) {
  if (!exists()) return 0;
  std::size_t removed = 0;
  std::array<std::uint8_t, answers::kMaxKey> key;
  for (std::uint64_t i = 0; i < reader_.geometry_.lines; ++i) {
    for (Word& each : lines_[i].words) {
      const std::uint64_t word = each.load(std::memory_order_relaxed);
      if (word == 0 || reader_.is_gone(ring_of(word), place_of(word))) continue;
      AnswerTable::Found found = reader_.entry(word);
      if (found.ring == nullptr) continue;
      found.at -= units_of(found.key_size);
      const MutableBytes own = MutableBytes(key).first(found.key_size);
      AnswerTable::copy(found, own);
      if (!unwanted(own)) continue;
      store(each, std::uint64_t{0}, std::memory_order_release);
      --counts_[found.number].entries;
      ++removed;
    }
  }
  return removed;
}

std::size_t AnswerTableWriter::take_over(const AnswerTable& other) {
  std::size_t count = 0;
  other.for_each([&](Bytes key, const AnswerFacts& facts, Bytes bytes) { count += put(key, facts, bytes) ? 1 : 0; });
  return count;
}

}  // namespace swage::shm
