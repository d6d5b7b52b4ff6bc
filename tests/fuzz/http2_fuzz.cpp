// A connection of HTTP/2 out of any bytes, in pieces whose size the first byte says, each request answered: what is
// taken fits the limits, what is held is bounded, and DNS is found in requests or they are refused.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/doh/doh.h"
#include "core/http/http2.h"

namespace {

using namespace swage;

constexpr http::MessageLimits kLimits{1024, 16, 256};
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void expect(bool holds) {
  if (!holds) std::abort();
}

void answer(http::Http2& connection) {
  while (auto next = connection.next()) {
    const http::Request& request = next->request;
    expect(request.body.size() <= kLimits.body && request.fields.size() <= kLimits.fields + 1);
    expect(!request.body_too_large || request.body.empty());
    const auto message = doh::message_of(request);
    if (message) {
      connection.respond(next->stream, doh::response_of(*message));
      connection.respond(next->stream, doh::no_response());  // there is one response
    } else {
      expect(message.error().status >= 400);
      connection.respond(next->stream, message.error());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(data, size);
  const std::size_t step = input.empty() ? 1 : std::max<std::size_t>(input[0], 1);
  http::Http2 connection(kLimits);
  connection.receive(as_bytes(kPreface));
  for (input = input.subspan(std::min<std::size_t>(1, size)); !input.empty() && !connection.over();) {
    const std::size_t count = std::min(step, input.size());
    connection.receive(input.first(count));
    input = input.subspan(count);
    expect(connection.streams() <= http::Http2::kStreams + 1);
    expect(connection.held() <= (http::Http2::kStreams + 1) * (1024 + kLimits.header + kLimits.body + 512));
    if (count % 2 == 1) answer(connection);
    std::vector<std::uint8_t> out;
    connection.write(out, 16 << 10);
  }
  answer(connection);
  for (const std::int32_t stream : {1, 3, 1 << 30}) connection.respond(stream, doh::no_response());
  std::vector<std::uint8_t> out;
  connection.write(out, 16 << 10);
  return 0;
}
