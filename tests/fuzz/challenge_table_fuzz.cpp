// Arbitrary bytes as a challenge table: read as a dns process reads them, then, where the header is right, restored,
// read and written as the service does. Seeds: tests/fuzz/corpus/challenge_table, tables of a capacity of 3.
#include <cstdlib>
#include <cstring>
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMost) return 0;
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  std::memcpy(aligned.data(), data, size);
  const MutableBytes memory(reinterpret_cast<std::uint8_t*>(aligned.data()), size);
  read_all(memory);
  if (!table::check_identity(memory)) return 0;
  static_cast<void>(TableWriter::restore(memory));
  read_all(memory);
  TableWriter writer(memory);
  TableValues values;
  for (const char* const name : {"a", "b", "c", "d", "e"}) {
    const auto put = writer.put(as_bytes(name), "value", kNow + 1, kNow);
    if (put.has_value() != (Table(memory).find(as_bytes(name), kNow, values) == Table::Found::yes) && put) std::abort();
  }
  return 0;
}
