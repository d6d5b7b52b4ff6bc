#include "core/http/response_parser.h"

#include <optional>

#include "core/http/body_reader.h"
#include "core/http/head.h"
#include "core/http/head_reader.h"
#include "core/text.h"

namespace swage::http {

namespace {

constexpr unsigned kMaxSkipped = 16;

std::unexpected<Error> failed(Fault fault) {
  if (fault == Fault::header_too_large) return fail("http: header of the response too large");
  if (fault == Fault::body_too_large) return fail("http: body of the response too large");
  return fail("http: malformed response");
}

// RFC 9112, 6.3.
Result<BodyReader> body_of(const Head& head, bool to_head, MessageLimits limits) {
  using Framing = BodyReader::Framing;
  const Fields& fields = head.fields;
  const bool has_none = to_head || head.status < 200 || head.status == 204 || head.status == 304;
  if (has_none) return BodyReader(Framing::length, 0, limits);
  if (fields.count("Transfer-Encoding") > 0) {
    if (!equal_without_case(*fields.find("Transfer-Encoding"), "chunked")) return fail("http: unknown transfer coding");
    return BodyReader(Framing::chunks, 0, limits);
  }
  const auto value = fields.find("Content-Length");
  if (!value) return BodyReader(Framing::until_end, 0, limits);
  const auto length = parse_length(*value);
  if (!length) return fail("http: malformed Content-Length");
  return BodyReader(Framing::length, *length, limits);
}

}  // namespace

struct ResponseParser::State {
  explicit State(MessageLimits limits) : reader(limits.header) {}

  HeadReader reader;
  Head head;
  std::optional<BodyReader> body;  // once the head is there
  bool ended_by_close = false;
};

ResponseParser::ResponseParser(bool to_head, MessageLimits limits)
    : to_head_(to_head), limits_(limits), state_(std::make_unique<State>(limits)) {}

ResponseParser::~ResponseParser() = default;

Result<> ResponseParser::receive(Bytes& in) {
  while (!state_->body && !in.empty()) TRY(receive_head(in));
  if (!state_->body || done()) return {};
  const auto received = state_->body->receive(in);
  if (!received) return failed(received.error());
  return {};
}

Result<> ResponseParser::receive_head(Bytes& in) {
  const auto whole = state_->reader.receive(in);
  if (!whole) return failed(whole.error());
  if (!*whole) return {};
  auto head = parse_response_head(state_->reader.text(), limits_.fields);
  if (!head) return failed(head.error());
  if (head->status / 100 == 1 && head->status != 101) {
    if (++skipped_ > kMaxSkipped) return fail("http: too many interim responses");
    state_ = std::make_unique<State>(limits_);
    return {};
  }
  TRY(state_->body, body_of(*head, to_head_, limits_));
  state_->head = *std::move(head);
  return {};
}

Result<> ResponseParser::receive_end() {
  if (done()) return {};
  if (!state_->body) return fail("http: the connection ended before the response");
  if (!state_->body->receive_end()) return fail("http: the connection ended in the middle of the response");
  state_->ended_by_close = true;
  return {};
}

bool ResponseParser::done() const { return state_->body && state_->body->done(); }

bool ResponseParser::keeps_alive() const {
  return !state_->ended_by_close && state_->head.status != 101 && state_->head.keeps_alive();
}

Response ResponseParser::take() {
  CHECK(done());
  return {state_->head.status, std::move(state_->head.fields), std::move(state_->body->body())};
}

}  // namespace swage::http
