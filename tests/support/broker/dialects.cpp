#include "tests/support/broker/dialects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace swage::tests {
namespace {

using Flow = libp2p::PeerIdAuthClient::Flow;

constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kLower = R"({"value":"@VALUE@","addresses":[@ADDRESSES@]})";

const std::vector<ClientDialect>& dialects() {
  static const std::vector<ClientDialect> list = {
      {"Go",
       Flow::client_initiated,
       "",
       44,
       {"opaque", "sig"},
       true,
       true,
       "POST /v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nUser-Agent: kubo/0.33.0/\r\nContent-Length: 0\r\n"
       "Authorization: @AUTH@\r\nForge-Authorization: open sesame\r\nAccept-Encoding: gzip\r\n\r\n",
       "POST /v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nUser-Agent: kubo/0.33.0/\r\nContent-Length: @LENGTH@\r\n"
       "Authorization: @AUTH@\r\nForge-Authorization: open sesame\r\nAccept-Encoding: gzip\r\n\r\n@BODY@",
       kLower},
      {"Go, its endpoint with a slash at the end",
       Flow::client_initiated,
       "",
       44,
       {"opaque", "sig"},
       true,
       true,
       "POST //v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 0\r\n"
       "Authorization: @AUTH@\r\nForge-Authorization: open sesame\r\nAccept-Encoding: gzip\r\n\r\n",
       "POST //v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nUser-Agent: Go-http-client/1.1\r\n"
       "Content-Length: @LENGTH@\r\nAuthorization: @AUTH@\r\nForge-Authorization: open sesame\r\n"
       "Accept-Encoding: gzip\r\n\r\n@BODY@",
       kLower},
      {"JS",
       Flow::client_initiated,
       "",
       44,
       {"opaque", "sig"},
       true,
       true,
       "OPTIONS /v1/_acme-challenge HTTP/1.1\r\nhost: @HOST@\r\nconnection: keep-alive\r\nauthorization: @AUTH@\r\n"
       "origin: https://@HOST@\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\n"
       "user-agent: js-libp2p/3.3.11 node/22.19.0\r\naccept-encoding: gzip, deflate\r\n\r\n",
       "POST /v1/_acme-challenge HTTP/1.1\r\nhost: @HOST@\r\nconnection: keep-alive\r\n"
       "content-type: application/json\r\nforge-authorization: open sesame\r\nauthorization: @AUTH@\r\naccept: */*\r\n"
       "accept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: js-libp2p/3.3.11 node/22.19.0\r\n"
       "accept-encoding: gzip, deflate\r\ncontent-length: @LENGTH@\r\n\r\n@BODY@",
       R"({"Value":"@VALUE@","Addresses":[@ADDRESSES@]})"},
      {"nim",
       Flow::server_initiated,
       kAlphanumeric,
       48,
       {"public-key", "opaque", "challenge-server", "sig"},
       false,
       true,
       "GET /v1/_acme-challenge HTTP/1.1\r\nhost: registration.libp2p.direct\r\nuser-agent: nim-libp2p\r\n"
       "content-length: 0\r\naccept: */*\r\nconnection: keep-alive\r\n\r\n",
       "POST /v1/_acme-challenge HTTP/1.1\r\nhost: registration.libp2p.direct\r\ncontent-type: application/json\r\n"
       "user-agent: nim-libp2p\r\nauthorization: @AUTH@\r\nforge-authorization: open sesame\r\n"
       "content-length: @LENGTH@\r\naccept: */*\r\nconnection: keep-alive\r\n\r\n@BODY@",
       kLower},
      {"Python",
       Flow::client_initiated,
       "0123456789abcdef",
       64,
       {"opaque", "sig"},
       false,
       false,
       "OPTIONS /v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nUser-Agent: python-requests/2.32.3\r\n"
       "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nAuthorization: @AUTH@\r\n"
       "Content-Length: 0\r\n\r\n",
       "POST /v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nUser-Agent: py-libp2p/autotls\r\n"
       "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nAuthorization: @AUTH@\r\n"
       "Forge-Authorization: open sesame\r\nContent-Length: @LENGTH@\r\n\r\n@BODY@",
       R"({"value": "@VALUE@", "addresses": [@ADDRESSES@]})"},
      {"Rust",
       Flow::client_initiated,
       "",
       44,
       {"opaque", "sig"},
       false,
       false,
       "POST /v1/_acme-challenge HTTP/1.1\r\nauthorization: @AUTH@\r\naccept: */*\r\nhost: @HOST@\r\n"
       "content-length: 0\r\n\r\n",
       "POST /v1/_acme-challenge HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: @AUTH@\r\n"
       "forge-authorization: open sesame\r\naccept: */*\r\nhost: @HOST@\r\ncontent-length: @LENGTH@\r\n\r\n@BODY@",
       kLower},
      {".NET",
       Flow::server_initiated,
       "",
       44,
       {"public-key", "challenge-server", "sig", "opaque"},
       false,
       true,
       "POST /v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nContent-Length: 0\r\n\r\n",
       "POST /v1/_acme-challenge HTTP/1.1\r\nHost: @HOST@\r\nAuthorization: @AUTH@\r\n"
       "Forge-Authorization: open sesame\r\nTransfer-Encoding: chunked\r\n"
       "Content-Type: application/json; charset=utf-8\r\n\r\n@CHUNKED@",
       kLower},
  };
  return list;
}

void fill(std::string& text, std::string_view name, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size()) {
    text.replace(at, name.size(), value);
  }
}

}  // namespace

std::span<const ClientDialect> client_dialects() { return dialects(); }

libp2p::PeerIdAuthClient ClientDialect::client(const libp2p::PrivateKey& key, std::string_view host,
                                               crypto::Random& random) const {
  using Client = libp2p::PeerIdAuthClient;
  Client::Dialect dialect;
  dialect.flow = flow;
  dialect.hostname = signs_port ? host : host.substr(0, host.find(':'));
  dialect.challenge_server =
      alphabet.empty() ? Client::base64_challenge(random) : Client::challenge_of(alphabet, size, random);
  dialect.order = order;
  dialect.checks_server = checks_server;
  return Client(key, std::move(dialect));
}

std::string ClientDialect::first_request(std::string_view host, std::string_view authorization) const {
  std::string request(first);
  fill(request, "@HOST@", host);
  fill(request, "@AUTH@", authorization);
  return request;
}

std::string ClientDialect::second_request(std::string_view host, std::string_view authorization, std::string_view value,
                                          const std::vector<std::string>& addresses) const {
  std::string text(body);
  fill(text, "@VALUE@", value);
  fill(text, "@ADDRESSES@", addresses.empty() ? "" : fmt::format("\"{}\"", fmt::join(addresses, "\",\"")));
  std::string request(second);
  fill(request, "@HOST@", host);
  fill(request, "@AUTH@", authorization);
  fill(request, "@LENGTH@", std::to_string(text.size()));
  fill(request, "@BODY@", text);
  fill(request, "@CHUNKED@", fmt::format("{:X}\r\n{}\r\n0\r\n\r\n", text.size(), text));
  return request;
}

}  // namespace swage::tests
