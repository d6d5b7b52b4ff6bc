// Arbitrary bytes as a challenge table: read as a dns process reads them, then, where the header is right, taken over
// by another table, read and written as the service does; then written while between every two of its stores somebody
// writes the same bytes, as words, anywhere. Seeds: tests/fuzz/corpus/challenge_table, tables of a capacity of 3.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/shm/table.h"

namespace {

using namespace swage;
using namespace swage::shm;

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::size_t kMost = 64 << 10;

void read_all(Bytes memory) {
  const Table table(memory);
  table.for_each([&](const table::Version& version) {
    TableValues values;
    static_cast<void>(table.find({version.key.data(), version.key_size}, kNow, values));
    for (std::size_t i = 0; i < values.count; ++i) {
      if (values.text(i).size() > table::kMaxValue) std::abort();
    }
  });
}

void take_over(Bytes memory) {
  std::vector<std::uint64_t> words(TableWriter::bytes_needed(2) / 8);
  const MutableBytes other(reinterpret_cast<std::uint8_t*>(words.data()), words.size() * 8);
  TableWriter::format(other, 2, {});
  TableWriter writer(other);
  static_cast<void>(writer.take_over(Table(memory), {.wall = kNow}, TableWriter::Room::share));
  if (Table(other).count_live(kNow) > 2) std::abort();
  read_all(other);
}

// A process that writes into the table, a word at each step of the writer.
struct Hostile {
  std::uint64_t* memory;
  std::size_t size;  // words
  const std::uint8_t* data;
  std::size_t at;
};
Hostile hostile{};

void scribble() {
  std::uint64_t value;
  std::memcpy(&value, hostile.data + hostile.at % (hostile.size - 1) * 8, sizeof value);
  hostile.at += 7;
  hostile.memory[(value ^ hostile.at * 0x9E37'79B9'7F4A'7C15) % hostile.size] = value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMost) return 0;
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  std::memcpy(aligned.data(), data, size);
  const MutableBytes memory(reinterpret_cast<std::uint8_t*>(aligned.data()), size);
  read_all(memory);
  if (!table::check_identity(memory)) return 0;
  take_over(memory);
  TableWriter writer(memory);
  read_all(memory);
  TableValues values;
  for (const char* const name : {"a", "b", "c", "d", "e"}) {
    const auto put = writer.put(as_bytes(name), "value", kNow + 1, kNow);
    if (put.has_value() != (Table(memory).find(as_bytes(name), kNow, values) == Table::Found::yes) && put) std::abort();
  }

  hostile = {.memory = reinterpret_cast<std::uint64_t*>(aligned.data()), .size = size / 8, .data = data, .at = 0};
  TableWriter attacked(memory, &scribble);
  for (std::int64_t i = 0; i < 20; ++i) {
    const std::string name(1, static_cast<char>('a' + i % 7));
    const NetworkId network{static_cast<std::uint64_t>(i % 3)};
    static_cast<void>(attacked.put(as_bytes(name), "value", kNow + 1 + i, kNow + i / 4, network));
  }
  read_all(memory);
  take_over(memory);
  return 0;
}
