// Keys and their values as one flat, read-only block of bytes without pointers, which any process may map anywhere: for
// plugins whose data are looked up by name or address. Written once, as a whole; read without a lock, an allocation or
// a copy. Integers are the machine's own.
//
//     +---------------+ 0
//     | Header        |
//     +---------------+
//     | Slot x ...    |  hash table: linear probing, at most 60 % full
//     +---------------+
//     | value's size:48, key's size:16 | key | value | padding to 4 | ...
//     +---------------+ header.size
//
// A value of 64 bytes or more begins on a cache line: it may be a zone's image (core/zone/image.h), say.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::shm {

class FlatMap {
 public:
  struct Entry {
    std::string_view key;  // less than 64 KiB
    Bytes value;
  };

  // Costs nothing; the block must outlive it and what it gives. REQUIRES: `block` is empty, which has no entries, or
  // was written by write(), and is aligned to 8.
  explicit FlatMap(Bytes block) : block_(block) {}

  // Empty where there is no such key.
  [[nodiscard]] Bytes find(std::string_view key) const;
  [[nodiscard]] std::uint32_t count() const { return block_.empty() ? 0 : header().count; }
  // `use(entry)` for each, in the order in which they were written.
  template <typename Use>
  void for_each(Use use) const {
    std::size_t at = block_.empty() ? 0 : sizeof(Header) + header().slots * sizeof(Slot);
    for (std::uint32_t i = 0; i < count(); ++i) {
      const Entry entry = entry_at(at);
      use(entry);
      at = padded(static_cast<std::size_t>(entry.value.data() + entry.value.size() - block_.data()));
    }
  }

  // REQUIRES: no two keys are the same.
  [[nodiscard]] static std::size_t size_of(std::span<const Entry> entries);
  // REQUIRES: `block` has size_of(entries) bytes, all 0, and is aligned to 8.
  static void write(std::span<const Entry> entries, MutableBytes block);
  // Both, in new memory: `name` as in Segment::create().
  [[nodiscard]] static Result<Segment> to_segment(const std::string& name, std::span<const Entry> entries);

 private:
  struct Header {
    std::array<char, 8> magic;
    std::uint64_t size;  // bytes of the block
    std::uint32_t count, slots;
  };
  struct Slot {
    std::uint32_t tag;    // the low half of the hash
    std::uint32_t entry;  // its place in units of kUnit; 0: the slot is free
  };
  static constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'm', 'a', 'p', '1'};
  static constexpr std::size_t kUnit = 4, kCacheLine = 64;

  [[nodiscard]] static constexpr std::size_t padded(std::size_t size) { return (size + kUnit - 1) / kUnit * kUnit; }
  [[nodiscard]] static std::size_t value_at(std::size_t entry, std::size_t key_size, std::size_t value_size);
  [[nodiscard]] static std::uint32_t slots_for(std::size_t count);
  [[nodiscard]] const Header& header() const { return *reinterpret_cast<const Header*>(block_.data()); }
  [[nodiscard]] Entry entry_at(std::size_t at) const;

  Bytes block_;
};

}  // namespace swage::shm
