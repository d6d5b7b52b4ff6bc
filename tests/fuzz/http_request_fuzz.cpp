// Requests out of any bytes, one behind the other, in pieces whose size the first byte says: whatever the pieces, the
// same comes out; what is taken fits the limits, and is framed in one way only.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/http/forwarded.h"
#include "core/http/request_parser.h"

namespace {

using namespace swage;
using namespace swage::http;
using Stage = RequestParser::Stage;

constexpr MessageLimits kLimits{1024, 16, 256};

void expect(bool holds) {
  if (!holds) std::abort();
}

// How a connection ends: with that many requests, and a refusal or not.
struct Outcome {
  std::vector<Request> requests;
  unsigned refused = 0;
  Stage last = Stage::start;
};

void check(const Request& request) {
  expect(request.body.size() <= kLimits.body && request.fields.size() <= kLimits.fields);
  expect(!request.body_too_large || request.body.empty());
  expect(request.target.starts_with('/') || (request.target == "*" && request.method == "OPTIONS"));
  expect(request.fields.count("Host") == 1 || (request.http_1_0 && request.fields.count("Host") == 0));
  expect(request.fields.count("Content-Length") + request.fields.count("Transfer-Encoding") <= 1);
  for (const Field& field : request.fields) {
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7F; };
    expect(!field.name.empty() && std::ranges::none_of(field.name + field.value, is_control));
  }
  (void)client_address(IpAddress(), request.fields, std::vector{*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")});
  (void)forwarded_addresses(request.fields);
}

Outcome parse(Bytes input, std::size_t step) {
  Outcome outcome;
  while (true) {
    RequestParser parser(kLimits);
    while (parser.stage() != Stage::done && !input.empty()) {
      Bytes part = input.first(std::min(step, input.size()));
      const std::size_t size = part.size();
      const auto received = parser.receive(part);
      input = input.subspan(size - part.size());
      if (!received) {
        outcome.refused = received.error().status;
        expect(outcome.refused >= 400 && !received.error().text.empty());
        return outcome;
      }
      expect(part.empty() || parser.stage() == Stage::done);
    }
    outcome.last = parser.stage();
    if (parser.stage() != Stage::done) return outcome;
    const bool goes_on = parser.keeps_alive();
    outcome.requests.push_back(parser.take());
    check(outcome.requests.back());
    if (!goes_on) return outcome;
  }
}

bool same(const Request& a, const Request& b) {
  const auto same_field = [](const Field& x, const Field& y) { return x.name == y.name && x.value == y.value; };
  return a.method == b.method && a.target == b.target && a.body == b.body && a.body_too_large == b.body_too_large &&
         a.http_1_0 == b.http_1_0 && std::ranges::equal(a.fields, b.fields, same_field);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input(data + 1, size - 1);
  const Outcome whole = parse(input, input.size() + 1), cut = parse(input, data[0] % 64 + std::size_t{1});
  expect(whole.refused == cut.refused && whole.last == cut.last);
  expect(std::ranges::equal(whole.requests, cut.requests, same));
  return 0;
}
