#include "core/doh/doh.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/dns/types.h"
#include "core/text.h"

namespace swage::doh {
namespace {

constexpr std::size_t kHeader = 12;  // bytes of a message of DNS

http::Response refusal(unsigned status, std::string_view text) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.body = fmt::format("{}\n", text);
  return response;
}

std::unexpected<http::Response> refuse(unsigned status, std::string_view text) {
  return std::unexpected(refusal(status, text));
}

// Of "a=b&dns=…": the value of `name`, which must be there once.
std::optional<std::string_view> parameter(std::string_view query, std::string_view name) {
  std::optional<std::string_view> found;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.size() <= name.size() || !one.starts_with(name) || one[name.size()] != '=') continue;
    if (found) return std::nullopt;
    found = one.substr(name.size() + 1);
  }
  return found;
}

// "application/dns-message; charset=x" is one, too.
bool is_message(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return equal_without_case(type, kType);
}

// Where the name at `at` ends; 0 where it does not.
std::size_t skip_name(Bytes message, std::size_t at) {
  while (at < message.size()) {
    const std::uint8_t length = message[at];
    if (length == 0) return at + 1;
    if (length >= 0xC0) return at + 2;
    at += 1U + length;
  }
  return 0;
}

}  // namespace

std::expected<std::vector<std::uint8_t>, http::Response> message_of(const http::Request& request) {
  if (request.path() != kPath) return refuse(404, "DNS is at /dns-query (RFC 8484)");
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (!is_get && request.method != "POST") {
    http::Response response = refusal(405, "expected GET or POST (RFC 8484)");
    response.fields.add("Allow", "GET, HEAD, POST");
    return std::unexpected(std::move(response));
  }
  if (request.body_too_large) return refuse(413, "a message of DNS has 65,535 bytes at most");
  std::vector<std::uint8_t> message;
  if (is_get) {
    const auto text = parameter(request.query(), "dns");
    auto decoded = text ? crypto::from_base64url(*text) : std::nullopt;
    if (!decoded) return refuse(400, "expected ?dns= and a message of DNS in base64url");
    message = *std::move(decoded);
  } else {
    const auto type = request.fields.find("Content-Type");
    if (!type || !is_message(*type)) return refuse(415, "expected application/dns-message");
    message.assign(request.body.begin(), request.body.end());
  }
  if (message.size() < kHeader || message.size() > kLimits.body) return refuse(400, "not a message of DNS");
  return message;
}

std::optional<std::uint32_t> freshness(Bytes message) {
  constexpr std::size_t kFixed = 10;  // bytes of a record between owner and data
  if (message.size() < kHeader) return std::nullopt;
  const auto rcode = static_cast<dns::Rcode>(message[3] & 0xF);
  const bool truncated = (message[2] & 2) != 0;
  if ((rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) || truncated) return std::nullopt;
  const std::size_t questions = load_u16(&message[4]), answers = load_u16(&message[6]),
                    authorities = load_u16(&message[8]);
  std::size_t at = kHeader;
  for (std::size_t i = 0; i < questions; ++i) {
    at = skip_name(message, at);
    if (at == 0) return std::nullopt;
    at += 4;
  }
  std::optional<std::uint32_t> least;
  const auto keep = [&least](std::uint32_t ttl) { least = std::min(least.value_or(ttl), ttl); };
  // Of a denial after CNAME records both count.
  for (std::size_t i = 0; i < answers + authorities; ++i) {
    at = skip_name(message, at);
    if (at == 0 || at + kFixed > message.size()) return std::nullopt;
    const std::size_t size = load_u16(&message[at + 8]), data = at + kFixed;
    if (data + size > message.size()) return std::nullopt;
    const bool is_soa = static_cast<dns::Type>(load_u16(&message[at])) == dns::Type::soa;
    if (i < answers) keep(load_u32(&message[at + 4]));
    if (i >= answers && is_soa && size >= 4) {
      keep(std::min(load_u32(&message[at + 4]), load_u32(&message[data + size - 4])));
    }
    at = data + size;
  }
  return least;
}

http::Response response_of(Bytes message) {
  http::Response response;
  response.fields.add("Content-Type", std::string(kType));
  const auto fresh = freshness(message);
  response.fields.add("Cache-Control", fresh ? fmt::format("max-age={}", *fresh) : "no-store");
  response.body = as_text(message);
  return response;
}

http::Response no_response() { return refusal(503, "there is no response to this query"); }

}  // namespace swage::doh
