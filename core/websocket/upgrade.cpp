#include "core/websocket/upgrade.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/verb.hpp>
#include <memory>

#include "core/counted.h"

namespace swage::websocket {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using http::field;

constexpr int kHttp11 = 11;
constexpr std::size_t kKeySize = 16;
constexpr std::size_t kMaxText = 4096;  // bytes of a host or a path

std::string base64(Bytes bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a 0 after it
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

bool is_key(std::string_view text) {
  std::array<std::uint8_t, kKeySize + 2> bytes{};
  if (text.size() != 24) return false;
  if (EVP_DecodeBlock(bytes.data(), as_bytes(text).data(), static_cast<int>(text.size())) < 0) return false;
  return base64(Bytes(bytes).first(kKeySize)) == text;
}

// Visible characters of ASCII alone.
bool can_stand_in_request(std::string_view text) {
  const auto visible = [](char c) { return c > ' ' && c < '\x7F'; };
  return !text.empty() && text.size() <= kMaxText && std::ranges::all_of(text, visible);
}

std::string_view text_of(beast::string_view text) { return {text.data(), text.size()}; }

template <bool is_request>
Result<http::header<is_request>> parse(std::string_view head) {
  http::parser<is_request, http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(HttpHead::kMaxSize + 1));
  beast::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (!parser.is_header_done()) return fail("{}", error ? error.message() : "no whole head");
  return http::header<is_request>(parser.get().base());
}

// Whether a field that is a list names `token`.
bool names(const http::fields& fields, field name, beast::string_view token) {
  const auto [begin, end] = fields.equal_range(name);
  return std::any_of(begin, end, [&](const auto& one) { return http::token_list(one.value()).exists(token); });
}

bool is_upgrade(const http::fields& fields) {
  return names(fields, field::upgrade, "websocket") && names(fields, field::connection, "upgrade");
}

using Request = http::header<true>;

// Why this is not a valid request for a WebSocket (section 4.2.1), nullptr if it is one; and whether another version
// would be.
const char* objection(const Request& request, bool& other_version) {
  if (request.method() != http::verb::get) return "not a GET";
  if (request.version() != kHttp11) return "not HTTP/1.1";
  if (request.count(field::host) != 1) return "not one Host";
  const auto length = request.find(field::content_length);
  if (request.count(field::transfer_encoding) != 0 || (length != request.end() && length->value() != "0")) {
    return "a body";
  }
  other_version = true;
  if (!is_upgrade(request)) return "no upgrade to WebSocket";
  if (request.count(field::sec_websocket_version) != 1 || request[field::sec_websocket_version] != "13") {
    return "not version 13 of WebSocket";
  }
  other_version = false;
  if (request.count(field::sec_websocket_key) != 1 || !is_key(text_of(request[field::sec_websocket_key]))) {
    return "no key of 16 bytes";
  }
  return nullptr;
}

UpgradeAnswer refuse(std::string_view head, std::string_view why) {
  return {fmt::format("HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", head),
          Error(fmt::format("WebSocket: not a valid request: {}", why))};
}

constexpr std::string_view kBadRequest = "400 Bad Request\r\nConnection: close";
constexpr std::string_view kOtherVersion =
    "426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close";

}  // namespace

Result<bool> HttpHead::receive(Bytes& in) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t before = text_.size();
  const Bytes some = in.first(std::min(in.size(), kMaxSize - before));
  text_ += as_text(some);
  const std::size_t end = text_.find(kEnd, before - std::min(before, kEnd.size() - 1));
  if (end != std::string::npos) text_.resize(end + kEnd.size());
  in = in.subspan(text_.size() - before);
  if (end == std::string::npos && text_.size() == kMaxSize)
    return fail("WebSocket: a head of more than {} bytes", kMaxSize);
  return end != std::string::npos;
}

std::string client_key(Bytes sixteen) {
  CHECK(sixteen.size() == kKeySize);
  return base64(sixteen);
}

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, 20> digest{};
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return base64(digest);
}

Result<std::string> upgrade_request(std::string_view host, std::string_view path, std::string_view key) {
  if (!can_stand_in_request(host)) return fail("WebSocket: not a host: {}", counted(host.size(), "byte"));
  if (!can_stand_in_request(path) || !path.starts_with('/'))
    return fail("WebSocket: not a path: {}", counted(path.size(), "byte"));
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {}\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n",
      path, host, key);
}

Result<> check_upgrade_response(std::string_view head, std::string_view key) {
  const auto parsed = parse<false>(head);
  if (!parsed) return fail("WebSocket: not a valid response: {}", parsed.error().text());
  const auto& response = *parsed;
  if (response.result() != http::status::switching_protocols) {
    return fail("WebSocket: the server answered {}", response.result_int());
  }
  if (response.version() != kHttp11 || !is_upgrade(response)) return fail("WebSocket: the server did not upgrade");
  if (response.count(field::sec_websocket_accept) != 1 ||
      text_of(response[field::sec_websocket_accept]) != accept_key(key)) {
    return fail("WebSocket: the server did not answer our key");
  }
  if (response.count(field::sec_websocket_extensions) != 0 || response.count(field::sec_websocket_protocol) != 0) {
    return fail("WebSocket: the server chose what was not offered");
  }
  return {};
}

UpgradeAnswer answer_upgrade_request(std::string_view head) {
  const auto request = parse<true>(head);
  if (!request) return refuse(kBadRequest, request.error().text());
  bool other_version = false;
  if (const char* why = objection(*request, other_version))
    return refuse(other_version ? kOtherVersion : kBadRequest, why);
  return {fmt::format("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: {}\r\n\r\n",
                      accept_key(text_of((*request)[field::sec_websocket_key]))),
          std::nullopt};
}

}  // namespace swage::websocket
