// A response out of any bytes, in pieces of any size: whatever the pieces, the same comes out. The first byte says
// whether the request was HEAD, the second the size of the pieces.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "core/http/response_parser.h"

namespace {

using namespace swage;
using namespace swage::http;

constexpr MessageLimits kLimits{1024, 16, 256};

void expect(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::optional<Response> response;
  bool keeps_alive = false;
  std::size_t left = 0;  // bytes
};

Outcome parse(bool to_head, Bytes input, std::size_t step) {
  ResponseParser parser(to_head, kLimits);
  while (!parser.done() && !input.empty()) {
    Bytes part = input.first(std::min(step, input.size()));
    const std::size_t size = part.size();
    if (!parser.receive(part)) return {};
    input = input.subspan(size - part.size());
    expect(part.empty() || parser.done());
  }
  if (!parser.done() && !parser.receive_end()) return {};
  expect(parser.done());
  Outcome outcome;
  outcome.keeps_alive = parser.keeps_alive();
  outcome.response = parser.take();
  outcome.left = input.size();
  expect(outcome.response->body.size() <= kLimits.body && outcome.response->fields.size() <= kLimits.fields);
  expect(!to_head || outcome.response->body.empty());
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool to_head = data[0] % 2 == 1;
  const Bytes input(data + 2, size - 2);
  const Outcome whole = parse(to_head, input, input.size() + 1),
                cut = parse(to_head, input, data[1] % 64 + std::size_t{1});
  expect(whole.response.has_value() == cut.response.has_value());
  if (!whole.response) return 0;
  expect(whole.left == cut.left && whole.keeps_alive == cut.keeps_alive);
  expect(whole.response->status == cut.response->status && whole.response->body == cut.response->body);
  return 0;
}
