// multistream-select against any bytes, whole and byte by byte: both ways must come to the same end.
// The first byte of the input chooses the side.
#include <cstdlib>
#include <string>

#include "core/libp2p/multistream.h"

namespace {

using namespace swage;
using namespace swage::libp2p;

void expect(bool holds) {
  if (!holds) std::abort();
}

struct End {
  std::string result;
  std::vector<std::uint8_t> output;
  std::size_t left = 0;

  bool operator==(const End&) const = default;
};

template <typename Side>
End run(Side side, Bytes input, std::size_t step) {
  End end;
  while (!input.empty() && end.result.empty()) {
    Bytes part = input.first(std::min(step, input.size()));
    const std::size_t size = part.size();
    const auto received = side.receive(part);
    expect(part.size() < size);
    input = input.subspan(size - part.size());
    if (!received) end.result = received.error().text();
    if (received && side.done()) end.result = side.selected();
    if (end.result.empty()) expect(part.empty());
  }
  end.output = side.take_output();
  end.left = input.size();
  return end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    const multistream::Initiator initiator({"/noise", "/tls/1.0.0"});
    expect(run(initiator, input, input.size()) == run(initiator, input, 1));
  } else {
    const multistream::Responder responder({"/yamux/1.0.0", "/a"});
    const End end = run(responder, input, input.size());
    expect(end == run(responder, input, 1));
    expect(end.output.size() < 10'000);
  }
  return 0;
}
