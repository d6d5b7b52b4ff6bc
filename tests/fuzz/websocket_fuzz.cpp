// WebSocket against any bytes: frames for a client and for a server, and both sides of the upgrade. The first byte
// chooses which, the second in how small pieces.
#include <algorithm>
#include <cstdlib>

#include "core/websocket/codec.h"
#include "core/websocket/upgrade.h"

namespace {

using namespace swage;
using namespace swage::websocket;

void expect(bool holds) {
  if (!holds) std::abort();
}

void no_randomness(MutableBytes bytes) { std::ranges::fill(bytes, std::uint8_t{0x5A}); }

// What comes out is never more than what came in, but for masks; and one message of ours fits in between anything.
void frames(Side side, Bytes input, std::size_t step) {
  Codec codec(side, no_randomness);
  const std::size_t most = 3 * input.size() + 32;
  std::vector<std::uint8_t> into(step);
  std::size_t payload = 0;
  while (!input.empty()) {
    Bytes part = input.first(std::min(step, input.size()));
    input = input.subspan(part.size());
    for (;;) {
      const auto size = codec.receive(part, into);
      expect(codec.output().size() <= most);
      if (!size) {
        expect(codec.closed() && !codec.receive(part, into));
        return;
      }
      payload += *size;
      if (*size == 0) break;
    }
    if (codec.ended()) {
      expect(codec.closed());
      return;
    }
    expect(part.empty());
  }
  expect(payload <= most && !codec.closed());
  codec.send(into);
}

void upgrade(bool as_server, Bytes input, std::size_t step) {
  HttpHead head;
  while (!input.empty()) {
    Bytes part = input.first(std::min(step, input.size()));
    const std::size_t size = part.size();
    const auto whole = head.receive(part);
    expect(head.text().size() <= HttpHead::kMaxSize);
    if (!whole) return;
    input = input.subspan(size - part.size());
    if (!*whole) continue;
    if (as_server) {
      const UpgradeAnswer answer = answer_upgrade_request(head.text());
      expect(answer.refusal.has_value() != answer.response.starts_with("HTTP/1.1 101 "));
      HttpHead again;
      Bytes response = as_bytes(answer.response);
      expect(again.receive(response).value_or(false) && response.empty());
    } else {
      (void)check_upgrade_response(head.text(), "dGhlIHNhbXBsZSBub25jZQ==");
    }
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes input(data + 2, size - 2);
  const std::size_t step = data[1] + std::size_t{1};
  switch (data[0] % 4) {
    case 0:
      frames(Side::client, input, step);
      break;
    case 1:
      frames(Side::server, input, step);
      break;
    case 2:
      upgrade(true, input, step);
      break;
    default:
      upgrade(false, input, step);
  }
  return 0;
}
