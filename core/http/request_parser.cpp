#include "core/http/request_parser.h"

#include <algorithm>
#include <optional>

#include "core/http/body_reader.h"
#include "core/http/grammar.h"
#include "core/http/head.h"
#include "core/http/head_reader.h"
#include "core/result.h"

namespace swage::http {

namespace {

using Outcome = std::expected<void, Refusal>;

std::unexpected<Refusal> refuse(unsigned status, std::string_view text) {
  return std::unexpected(Refusal{status, text});
}

// "GET / HTTP/2.0": a version that is one (RFC 9112, 2.3), but not ours.
bool has_other_version(std::string_view head) {
  std::string_view line = head.substr(0, head.find('\r'));
  const std::size_t target = line.find(' '), version = line.rfind(' ');
  if (target == version || line.find(' ', target + 1) != version) return false;
  line.remove_prefix(version + 1);
  return line.size() == 8 && line.starts_with("HTTP/") && is_digit(line[5]) && line[6] == '.' && is_digit(line[7]);
}

Refusal refusal_of(Fault fault, std::string_view head) {
  if (fault == Fault::header_too_large) return {431, "request header too large"};
  if (fault == Fault::version && has_other_version(head)) return {505, "HTTP version not supported"};
  return {};
}

// How the body is framed: RFC 9112, 6.3 and 11.2, without its exceptions.
Outcome check_framing(const Fields& fields, bool http_1_0) {
  const std::size_t codings = fields.count("Transfer-Encoding"), lengths = fields.count("Content-Length");
  if (codings > 1 || lengths > 1 || (codings > 0 && (lengths > 0 || http_1_0))) {
    return refuse(400, "ambiguous length of the body");
  }
  if (lengths == 1 && !parse_length(*fields.find("Content-Length"))) return refuse(400, "malformed Content-Length");
  if (codings == 1 && !equal_without_case(*fields.find("Transfer-Encoding"), "chunked")) {
    return refuse(501, "transfer coding not implemented");
  }
  return {};
}

// uri-host [ ":" port ] (RFC 9110, 7.2), roughly: no user, path, list or space. May be empty.
bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return c > 0x20 && c < 0x7F && std::string_view("/?#@,\\\"<>^`{|}").find(c) == std::string_view::npos;
  });
}

Outcome check_host(const Fields& fields, bool http_1_0) {
  const std::size_t hosts = fields.count("Host");
  if (hosts > 1 || (hosts == 0 && !http_1_0)) return refuse(400, "one Host is required");
  if (hosts == 1 && !is_host(*fields.find("Host"))) return refuse(400, "malformed Host");
  return {};
}

// Of absolute-form (RFC 9112, 3.2.2) leaves what begins at the path.
Outcome to_origin_form(std::string& target, const Fields& fields) {
  const std::size_t scheme = target.find("://");
  const std::string_view name = std::string_view(target).substr(0, scheme);
  if (scheme == std::string::npos || !(equal_without_case(name, "http") || equal_without_case(name, "https"))) {
    return refuse(400, "malformed target");
  }
  const std::size_t host = scheme + 3, end = std::min(target.find_first_of("/?#", host), target.size());
  const std::string_view authority = std::string_view(target).substr(host, end - host);
  if (authority.empty() || !is_host(authority)) return refuse(400, "malformed target");
  const auto field = fields.find("Host");
  if (field && !equal_without_case(*field, authority)) return refuse(400, "Host is not the target's");
  target.erase(0, end);
  if (!target.starts_with('/')) target.insert(target.begin(), '/');
  return {};
}

Outcome check_target(const std::string& method, std::string& target, const Fields& fields) {
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7F; };
  if (!std::ranges::all_of(target, is_visible)) return refuse(400, "malformed target");
  if (target.starts_with('/') || (target == "*" && method == "OPTIONS")) return {};
  return to_origin_form(target, fields);
}

BodyReader body_of(const Fields& fields, MessageLimits limits) {
  if (fields.count("Transfer-Encoding") > 0) return {BodyReader::Framing::chunks, 0, limits};
  const auto value = fields.find("Content-Length");
  return {BodyReader::Framing::length, value ? *parse_length(*value) : 0, limits};
}

}  // namespace

struct RequestParser::State {
  explicit State(MessageLimits limits) : most(limits), reader(limits.header) {}
  [[nodiscard]] Outcome receive_head(Bytes& in);
  [[nodiscard]] Outcome receive_body(Bytes& in);

  MessageLimits most;
  HeadReader reader;
  Head head;
  std::optional<BodyReader> body;
  Stage stage = Stage::start;
  bool body_too_large = false;
};

RequestParser::RequestParser(MessageLimits limits) : state_(std::make_unique<State>(limits)) {}

RequestParser::~RequestParser() = default;

RequestParser::Stage RequestParser::stage() const { return state_->stage; }

Outcome RequestParser::receive(Bytes& in) {
  if (stage() <= Stage::head) TRY(state_->receive_head(in));
  if (stage() == Stage::body) TRY(state_->receive_body(in));
  return {};
}

Outcome RequestParser::State::receive_head(Bytes& in) {
  const auto whole = reader.receive(in);
  if (!whole) return std::unexpected(refusal_of(whole.error(), {}));
  if (reader.begun()) stage = Stage::head;
  if (!*whole) return {};
  auto parsed = parse_request_head(reader.text(), most.fields);
  if (!parsed) return std::unexpected(refusal_of(parsed.error(), reader.text()));
  head = *std::move(parsed);
  TRY(check_framing(head.fields, head.http_1_0));
  TRY(check_host(head.fields, head.http_1_0));
  TRY(check_target(head.method, head.target, head.fields));
  body.emplace(body_of(head.fields, most));
  reader = HeadReader(most.header);  // gives back its memory
  stage = Stage::body;
  return {};
}

Outcome RequestParser::State::receive_body(Bytes& in) {
  const auto received = body->receive(in);
  body_too_large = !received && received.error() == Fault::body_too_large;
  if (!received && !body_too_large) return refuse(400, "malformed body");
  if (body_too_large) body->body().clear();
  if (body_too_large || body->done()) stage = Stage::done;
  return {};
}

bool RequestParser::expects_continue() const {
  return !state_->head.http_1_0 && state_->head.fields.lists("Expect", "100-continue");
}

bool RequestParser::keeps_alive() const { return !state_->body_too_large && state_->head.keeps_alive(); }

Request RequestParser::take() {
  CHECK(stage() == Stage::done);
  Head& head = state_->head;
  return {std::move(head.method),          std::move(head.target), std::move(head.fields),
          std::move(state_->body->body()), state_->body_too_large, head.http_1_0};
}

}  // namespace swage::http
