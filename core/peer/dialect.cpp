#include "core/peer/dialect.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace swage::peer {
namespace {

using Flow = libp2p::PeerIdAuthClient::Flow;

// Recorded: SendChallenge of github.com/ipshipyard/p2p-forge/client v0.10.1 with go-libp2p v0.51.0, Go 1.26.
// It cannot find its own version, so "unknown" is what it says. Kubo and others put their own agent there.
constexpr Dialect kGo = {
    .name = "go",
    .first =
        "POST {target} HTTP/1.1\r\n"
        "Host: {written}\r\n"
        "User-Agent: github.com/ipshipyard/p2p-forge/client@unknown\r\n"
        "Content-Length: 0\r\n"
        "Authorization: {authorization}\r\n"
        "{Token}"
        "Accept-Encoding: gzip\r\n"
        "\r\n",
    .second =
        "POST {target} HTTP/1.1\r\n"
        "Host: {written}\r\n"
        "User-Agent: github.com/ipshipyard/p2p-forge/client@unknown\r\n"
        "Content-Length: {size}\r\n"
        "Authorization: {authorization}\r\n"
        "{Token}"
        "Accept-Encoding: gzip\r\n"
        "\r\n"
        "{body}",
    .reuse = Dialect::Reuse::always,
};

// Recorded: configureAcmeChallengeResponse of @ipshipyard/libp2p-auto-tls 2.0.2 with @libp2p/http 2.0.6, libp2p 3.3.11
// on node 22.23.3, over TCP and TLS. It puts the second request on another connection.
constexpr Dialect kJs = {
    .name = "js",
    .first =
        "OPTIONS {clean} HTTP/1.1\r\n"
        "host: {authority}\r\n"
        "connection: keep-alive\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: js-libp2p/3.3.11 node/22.23.3\r\n"
        "origin: {origin}\r\n"
        "authorization: {authorization}\r\n"
        "accept: */*\r\n"
        "accept-language: *\r\n"
        "sec-fetch-mode: cors\r\n"
        "accept-encoding: {brotli}gzip, deflate\r\n"
        "\r\n",
    .second =
        "POST {clean} HTTP/1.1\r\n"
        "host: {authority}\r\n"
        "connection: keep-alive\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: js-libp2p/3.3.11 node/22.23.3\r\n"
        "origin: {origin}\r\n"
        "Authorization: {authorization}\r\n"
        "accept: */*\r\n"
        "accept-language: *\r\n"
        "sec-fetch-mode: cors\r\n"
        "accept-encoding: {brotli}gzip, deflate\r\n"
        "content-length: {size}\r\n"
        "\r\n"
        "{body}",
    .body = {.value = "Value", .addresses = "Addresses"},
    .signs = Dialect::Signs::authority,
    .any_2xx = true,
    .bearer = Dialect::Bearer::if_present,
};

// From the sources of nim-libp2p 2.3.0 (libp2p/peeridauth/client.nim) and nim-chronos 4.4.0 (httpclient.nim,
// httptable.nim). The fields have the order of a Table of 64 slots under Nim 2.2's hash of strings; they are lower-case
// in it and capitalised when written. Its connections are not given back, so each request has a new one.
constexpr Dialect kNim = {
    .name = "nim",
    .flow = Flow::server_initiated,
    .first =
        "GET {target} HTTP/1.1\r\n"
        "Host: {host}\r\n"
        "User-Agent: nim-chronos/4.4.0 (amd64/linux)\r\n"
        "Accept: */*\r\n"
        "\r\n",
    .second =
        "POST {target} HTTP/1.1\r\n"
        "Content-Length: {size}\r\n"
        "Authorization: {authorization}\r\n"
        "Host: {host}\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: nim-libp2p\r\n"
        "Accept: */*\r\n"
        "\r\n"
        "{body}",
    .signs = Dialect::Signs::host,
    .alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    .challenge_size = 48,
    .order = {"public-key", "opaque", "challenge-server", "sig"},
    .splits_at_commas = true,
    .bearer = Dialect::Bearer::demanded,
};

// Recorded: BrokerClient.http_peerid_auth of libp2p 0.8.1 (PyPI) with requests 2.34.2 and urllib3 2.8.0, Python 3.11.
// The name that it signs, its URL and the lengths of what is signed are constants there.
constexpr Dialect kPython = {
    .name = "python",
    .first =
        "OPTIONS {target} HTTP/1.1\r\n"
        "Host: {authority}\r\n"
        "User-Agent: python-requests/2.34.2\r\n"
        "Accept-Encoding: gzip, deflate\r\n"
        "Accept: */*\r\n"
        "Connection: keep-alive\r\n"
        "Authorization: {authorization}\r\n"
        "Content-Length: 0\r\n"
        "\r\n",
    .second =
        "POST {target} HTTP/1.1\r\n"
        "Host: {authority}\r\n"
        "User-Agent: py-libp2p/autotls\r\n"
        "Accept-Encoding: gzip, deflate\r\n"
        "Accept: */*\r\n"
        "Connection: keep-alive\r\n"
        "Authorization: {authorization}\r\n"
        "Content-Length: {size}\r\n"
        "\r\n"
        "{body}",
    .body = {.comma = ", ", .colon = ": ", .one_address = true},
    .signs = Dialect::Signs::libp2p_direct,
    .alphabet = "0123456789abcdef",
    .challenge_size = 64,
    .checks_server = false,
    .fixed_lengths = true,
};

// From the source of rust-libp2p's pull request 6470 (broker.rs, peer_id_auth.rs); the bytes recorded from reqwest,
// 0.12 and 0.13 alike, called as it calls it. Its first POST has no Content-Length.
constexpr Dialect kRust = {
    .name = "rust",
    .first =
        "POST {target} HTTP/1.1\r\n"
        "authorization: {authorization}\r\n"
        "accept: */*\r\n"
        "host: {authority}\r\n"
        "\r\n",
    .second =
        "POST {target} HTTP/1.1\r\n"
        "authorization: {authorization}\r\n"
        "content-type: application/json\r\n"
        "{token}"
        "accept: */*\r\n"
        "host: {authority}\r\n"
        "content-length: {size}\r\n"
        "\r\n"
        "{body}",
    .signs = Dialect::Signs::host,
    .first_must_be_401 = true,
    .reuse = Dialect::Reuse::after_empty,
};

// From the sources of dotnet-libp2p (Libp2p.Protocols.AutoTls, P2pForgeClient.cs and PeerIdAuth.cs) and of .NET's
// SocketsHttpHandler (HttpConnection.WriteHeaders; ChunkedEncodingWriteStream). JsonContent has no length: chunked.
constexpr Dialect kDotnet = {
    .name = "dotnet",
    .flow = Flow::server_initiated,
    .first =
        "POST {clean} HTTP/1.1\r\n"
        "Host: {authority}\r\n"
        "Content-Length: 0\r\n"
        "\r\n",
    .second =
        "POST {clean} HTTP/1.1\r\n"
        "Host: {authority}\r\n"
        "Authorization: {authorization}\r\n"
        "Transfer-Encoding: chunked\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        "\r\n"
        "{hex}\r\n"
        "{body}\r\n"
        "0\r\n"
        "\r\n",
    .signs = Dialect::Signs::host,
    .order = {"public-key", "challenge-server", "sig", "opaque"},
    .checks_server = false,
    .splits_at_commas = true,
    .any_2xx = true,
    .reuse = Dialect::Reuse::after_empty,
};

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string body_of(const Dialect::Body& style, const Submission& submission) {
  std::string list;
  for (const std::string& address : submission.addresses) {
    if (!list.empty()) list += style.comma;
    list += json_text(address);
    if (style.one_address) break;
  }
  return fmt::format(R"({{"{}"{}{}{}"{}"{}[{}]}})", style.value, style.colon, json_text(submission.value), style.comma,
                     style.addresses, style.colon, list);
}

std::string token_line(std::string_view name, const std::string& token) {
  return token.empty() ? "" : fmt::format("{}: {}\r\n", name, token);
}

using Words = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// REQUIRES: each brace opens a placeholder, which is one of `words`.
std::string fill(std::string_view text, Words words) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    filled += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    const auto* const word = std::ranges::find(words, text.substr(1, close - 1), [](const auto& w) { return w.first; });
    CHECK(word != words.end());
    filled += word->second;
    text.remove_prefix(close + 1);
  }
  return filled;
}

std::string request_of(const Dialect& dialect, const Submission& submission, std::string_view authorization,
                       std::string_view text) {
  constexpr std::string_view kPath = "/v1/_acme-challenge";
  const Url& url = submission.url;
  const std::string target = fmt::format("{}{}", url.path, kPath);
  const std::string clean = fmt::format("{}{}", url.path, kPath.substr(url.path.ends_with('/') ? 1 : 0));
  const std::string body = body_of(dialect.body, submission);
  return fill(text, {{"target", target},
                     {"clean", clean},
                     {"authority", url.authority()},
                     {"written", url.authority_as_written()},
                     {"host", url.host},
                     {"origin", fmt::format("{}://{}", url.scheme(), url.authority())},
                     {"authorization", authorization},
                     {"Token", token_line("Forge-Authorization", submission.token)},
                     {"token", token_line("forge-authorization", submission.token)},
                     {"brotli", url.https ? "br, " : ""},
                     {"body", body},
                     {"size", fmt::format("{}", body.size())},
                     {"hex", fmt::format("{:X}", body.size())}});
}

constexpr Dialect kDialects[] = {kGo, kJs, kNim, kPython, kRust, kDotnet};

}  // namespace

std::span<const Dialect> dialects() { return kDialects; }

const Dialect* find_dialect(std::string_view name) {
  const auto* const found = std::ranges::find(kDialects, name, &Dialect::name);
  return found == std::end(kDialects) ? nullptr : found;
}

std::string first_request(const Dialect& dialect, const Submission& submission, std::string_view authorization) {
  return request_of(dialect, submission, authorization, dialect.first);
}

std::string second_request(const Dialect& dialect, const Submission& submission, std::string_view authorization) {
  return request_of(dialect, submission, authorization, dialect.second);
}

std::string signed_hostname(const Dialect& dialect, const Url& url) {
  switch (dialect.signs) {
    case Dialect::Signs::written:
      return url.authority_as_written();
    case Dialect::Signs::authority:
      return url.authority();
    case Dialect::Signs::host:
      return url.host_in_brackets();
    case Dialect::Signs::libp2p_direct:
      return "registration.libp2p.direct";
  }
  return "";
}

}  // namespace swage::peer
