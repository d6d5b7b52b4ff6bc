#include "core/upstream/https.h"

#include <algorithm>

#include <fmt/format.h>

namespace swage::upstream {
namespace {

constexpr std::string_view kType = "application/dns-message";
constexpr unsigned kConnections = 16;  // where the server does not know HTTP/2, more questions wait

// Without padding (RFC 8484 section 6).
std::string base64url(Bytes bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

std::chrono::seconds whole_seconds(std::chrono::milliseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time);
}

http::Fetcher::Settings settings(const Https::Server& server, const OverHttps& how) {
  http::Fetcher::Settings settings;
  settings.most = 0xFFFF;
  settings.redirects = 0;
  settings.reuse = server.expire.count() > 0;
  settings.connections = kConnections;
  settings.http2 = true;
  settings.authorities_text = how.authorities;
  settings.certificate_text = how.certificate;
  settings.key_text = how.key;
  settings.from = server.from;
  settings.idle = whole_seconds(server.expire);
  settings.max_age = whole_seconds(server.max_age);
  return settings;
}

}  // namespace

Https::Https(async::Loop& loop, const Server& server, const OverHttps& how)
    : to_(server.to.to_string()), get_(how.get), fetcher_(loop, settings(server, how)) {
  const bool is_v6 = server.name.find(':') != std::string::npos;
  url_ = fmt::format("https://{}{}{}:{}/dns-query", is_v6 ? "[" : "", server.name, is_v6 ? "]" : "", server.to.port);
}

http::Fetcher::Request Https::request(const Asked& asked, std::chrono::milliseconds time) const {
  http::Fetcher::Request request;
  request.url = url_;
  request.fields = {fmt::format("Accept: {}", kType)};
  request.timeout = time;
  request.connect_to = to_;
  if (get_) {
    request.url += "?dns=" + base64url(asked.message());
  } else {
    request.fields.push_back(fmt::format("Content-Type: {}", kType));
    request.body = std::string(as_text(asked.message()));
  }
  return request;
}

async::Task<Result<std::vector<std::uint8_t>>> Https::ask(const Asked& asked, std::chrono::milliseconds time) {
  http::Fetcher::Request request = this->request(asked, time);
  const Result<http::Fetcher::Fetched> fetched = co_await fetcher_.send(std::move(request));
  if (!fetched) co_return fail("{}: {}", to_, fetched.error().text());
  if (fetched->status != 200) co_return fail("{}: it says {} to {}", to_, fetched->status, url_);
  const std::string_view type = std::string_view(fetched->type).substr(0, fetched->type.find_first_of("; "));
  if (type != kType) co_return fail("{}: it does not speak DNS at {}", to_, url_);
  const Bytes message = as_bytes(fetched->body);
  if (asked.judge(message) == Verdict::foreign) co_return fail("{}: answers what was not asked", to_);
  co_return std::vector<std::uint8_t>(message.begin(), message.end());
}

}  // namespace swage::upstream
