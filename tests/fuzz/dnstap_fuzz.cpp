// Arbitrary bytes as the start of a ring that a dns process was to write, and as what a consumer says. Reading a ring
// has an end, and what is read lies within it.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/dnstap/frames.h"
#include "core/dnstap/message.h"
#include "core/dnstap/ring.h"

namespace {

using namespace swage;
using namespace swage::dnstap;

void read_ring(Bytes input) {
  static std::vector<std::uint64_t> words(kLeastRing / 8);
  auto* const memory = reinterpret_cast<std::uint8_t*>(words.data());
  std::copy(input.begin(), input.end(), memory);
  RingReader reader;
  RingReader::Batch batch;
  std::string payload;
  int turns = 0;
  do {
    reader.read({memory, kLeastRing}, 1 << 16, batch);
    std::size_t size = 0;
    for (const Event& event : batch.events) {
      size += event.zone.size() + event.extra.size() + event.query.size() + event.response.size();
      write_query(event, {.identity = "i", .version = "", .role = Role::auth}, payload);
      write_response(event, {.identity = "", .version = "v"}, payload);
    }
    CHECK(size <= kLeastRing / kSegments);
    CHECK(++turns < 100);
  } while (batch.more);
  std::fill_n(memory, input.size(), std::uint8_t{0});
}

void read_controls(Bytes input) {
  ControlReader reader;
  for (std::size_t at = 0; at < input.size(); at += 7) {
    reader.feed(input.subspan(at, std::min<std::size_t>(7, input.size() - at)));
    while (true) {
      const Result<std::optional<Control>> frame = reader.next();
      if (!frame) return;
      if (!*frame) break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, std::min(size, kLeastRing));
  read_ring(input);
  read_controls(input);
  return 0;
}
