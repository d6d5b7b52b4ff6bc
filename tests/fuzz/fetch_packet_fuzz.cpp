// What a dns process that was taken over may say on a fetch line: any bytes. What is read of them, written again, is
// what they were.
#include <algorithm>
#include <cstdlib>

#include "core/server/fetch_wire.h"

namespace {

using namespace swage;
using namespace swage::server;

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, std::min(size, FetchPacket::kMaxSize));
  FetchPacket again;
  const bool sound = read_fetch_packet(input, [&](const FetchMessage& message) {
    const bool has_more = message.kind == FetchMessage::Kind::want || message.kind == FetchMessage::Kind::answered;
    expect(message.key.empty() != has_more && message.key.size() <= 0xFFFF);
    return again.add(message);
  });
  expect(again.bytes().size() <= input.size());
  expect(std::ranges::equal(again.bytes(), input.first(again.bytes().size())));
  expect(sound == (!input.empty() && again.bytes().size() == input.size()));
  return 0;
}
