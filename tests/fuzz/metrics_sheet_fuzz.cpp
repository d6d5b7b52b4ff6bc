// The memory in which a process counts, as a process that has been taken over may leave it: nothing is read beyond
// it, whatever it says of itself.
#include <algorithm>
#include <vector>

#include "core/metrics/sums.h"

using namespace swage;
using namespace swage::metrics;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A memory of four times the input, so that all of it is header and directory; the cells are its beginning again.
  std::vector<std::uint64_t> memory(std::min<std::size_t>(size, 1 << 16) / 8 * 4);
  if (memory.empty()) return 0;
  const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size() * 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = data[i % (bytes.size() / 4)];
  SheetReader reader(bytes);
  reader.update();
  reader.update();
  Sums sums;
  sums.add_trusted(reader, Sums::Gauges::take);
  sums.add(reader, Sums::Gauges::take);
  static_cast<void>(sums.text());
  Sums past;
  past.add_past(reader);
  static_cast<void>(past.text());
  return 0;
}
