// For tests: a table in memory of its own, written and read as text.
#pragma once

#include <string>
#include <string_view>

#include "core/shm/segment.h"
#include "core/shm/table.h"

namespace swage::shm::testing {

inline constexpr std::int64_t kNow = 1'800'000'000'000;  // milliseconds
inline constexpr std::int64_t kHour = 3'600'000;

inline Bytes key(std::string_view text) { return as_bytes(text); }

// "newest older oldest", or "none", "unsettled".
inline std::string text_of(const Table& table, std::string_view who, std::int64_t now) {
  TableValues values;
  const Table::Found found = table.find(key(who), now, values);
  if (found == Table::Found::unsettled) return "unsettled";
  std::string text;
  for (std::size_t i = 0; i < values.count; ++i) text += (i == 0 ? "" : " ") + std::string(values.text(i));
  return found == Table::Found::no ? "none" : text;
}

struct TestTable {
  explicit TestTable(std::uint64_t capacity, TableWriter::Step step = nullptr, Clock clock = Clock::wall)
      : memory(made(capacity, clock)), writer(memory.writable_bytes(), step) {}

  [[nodiscard]] Table reader() const { return Table(memory.bytes()); }
  [[nodiscard]] std::string text(std::string_view who, std::int64_t now = kNow) const {
    return text_of(reader(), who, now);
  }

  static Segment made(std::uint64_t capacity, Clock clock = Clock::wall) {
    Segment memory = *Segment::create("test", TableWriter::bytes_needed(capacity));
    TableWriter::format(memory.writable_bytes(), capacity, {1, 2, 3}, clock);
    return memory;
  }

  Segment memory;
  TableWriter writer;
};

}  // namespace swage::shm::testing
