#include "core/shm/flat_map.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace swage::shm {
namespace {

constexpr int kKeyBits = 16;

std::uint64_t hash_of(std::string_view key) { return std::hash<std::string_view>{}(key); }

std::uint32_t first_slot(std::uint64_t hash, std::uint32_t slots) {
  return static_cast<std::uint32_t>(((hash >> 32) * slots) >> 32);
}

}  // namespace

std::uint32_t FlatMap::slots_for(std::size_t count) { return static_cast<std::uint32_t>(count + count * 2 / 3 + 1); }

std::size_t FlatMap::value_at(std::size_t entry, std::size_t key_size, std::size_t value_size) {
  const std::size_t after_key = entry + sizeof(std::uint64_t) + key_size;
  if (value_size < kCacheLine) return after_key;
  return (after_key + kCacheLine - 1) / kCacheLine * kCacheLine;
}

FlatMap::Entry FlatMap::entry_at(std::size_t at) const {
  std::uint64_t sizes;
  std::memcpy(&sizes, &block_[at], sizeof sizes);
  const std::size_t key_size = sizes & ((1U << kKeyBits) - 1), value_size = sizes >> kKeyBits;
  return {as_text(block_.subspan(at + sizeof sizes, key_size)),
          block_.subspan(value_at(at, key_size, value_size), value_size)};
}

Bytes FlatMap::find(std::string_view key) const {
  if (block_.empty()) return {};
  const std::uint64_t hash = hash_of(key);
  const std::uint32_t slots = header().slots;
  const Slot* const table = reinterpret_cast<const Slot*>(block_.data() + sizeof(Header));
  for (std::uint32_t i = first_slot(hash, slots); table[i].entry != 0; i = i + 1 == slots ? 0 : i + 1) {
    if (table[i].tag != static_cast<std::uint32_t>(hash)) continue;
    const Entry entry = entry_at(std::size_t{table[i].entry} * kUnit);
    if (entry.key == key) return entry.value;
  }
  return {};
}

std::size_t FlatMap::size_of(std::span<const Entry> entries) {
  std::size_t at = sizeof(Header) + slots_for(entries.size()) * sizeof(Slot);
  for (const Entry& entry : entries) {
    at = padded(value_at(at, entry.key.size(), entry.value.size()) + entry.value.size());
  }
  return at;
}

void FlatMap::write(std::span<const Entry> entries, MutableBytes block) {
  const Header header{kMagic, block.size(), static_cast<std::uint32_t>(entries.size()), slots_for(entries.size())};
  std::memcpy(block.data(), &header, sizeof header);
  Slot* const table = reinterpret_cast<Slot*>(block.data() + sizeof header);
  std::size_t at = sizeof header + header.slots * sizeof(Slot);
  for (const Entry& entry : entries) {
    CHECK(entry.key.size() < 1U << kKeyBits);
    const std::uint64_t hash = hash_of(entry.key);
    std::uint32_t slot = first_slot(hash, header.slots);
    while (table[slot].entry != 0) slot = slot + 1 == header.slots ? 0 : slot + 1;
    table[slot] = {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(at / kUnit)};
    const std::uint64_t sizes = entry.value.size() << kKeyBits | entry.key.size();
    std::memcpy(&block[at], &sizes, sizeof sizes);
    std::ranges::copy(as_bytes(entry.key), block.begin() + static_cast<std::ptrdiff_t>(at + sizeof sizes));
    const std::size_t value = value_at(at, entry.key.size(), entry.value.size());
    std::ranges::copy(entry.value, block.begin() + static_cast<std::ptrdiff_t>(value));
    at = padded(value + entry.value.size());
  }
  CHECK(at == block.size());
}

Result<Segment> FlatMap::to_segment(const std::string& name, std::span<const Entry> entries) {
  TRY(Segment segment, Segment::create(name, size_of(entries)));
  write(entries, segment.writable_bytes());
  return segment;
}

}  // namespace swage::shm
