// What each client writes, compared with what was recorded from it (go, js, python; rust from its HTTP library) or
// reckoned from its source (nim, dotnet): see dialect.cpp.
#include "core/peer/dialect.h"

#include <string>

#include <catch2/catch.hpp>

using namespace swage;
using peer::Submission;
using peer::Url;

namespace {

// Of the recordings.
Submission submission(std::string_view url = "http://127.0.0.1:8443") {
  return {Url::parse(url).value(),
          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          {"/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/4001/ws"},
          ""};
}

struct Vector {
  std::string_view dialect;
  std::string_view first_authorization, first;
  std::string_view second_authorization, second;
  std::string_view url = "http://127.0.0.1:8443";
  std::string_view token = "";
};

constexpr std::string_view kChallenge =
    "libp2p-PeerID challenge-server=\"6T-Lhp_HjqxDrKJeXmexYjBi6gJeTPEZMdwQ09M4UTw=\", "
    "public-key=\"CAESIFkF9UMZdqi20dtSl7nK5ZBJpeeFRQ14sxoCZ_rQqTUa\"";
constexpr std::string_view kAnswer =
    "libp2p-PeerID opaque=\"trdf24tmR4G3P2azPlk2r3aGJRuuRhNR4eBkRT43ZTF7\", "
    "sig=\"hfJNUuEOG7j3yV3-5avkxZCWzpdSyYsQ9GH9JjRGd4ASCwZco0BZLwSV5e8cH0plVGJseLPhHvZMfkcFV3kSBg==\"";

// The recorded bytes, but for the Authorization, which stands as @ in them.
constexpr Vector kVectors[] = {
    {.dialect = "go",
     .first_authorization = kChallenge,
     .first = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: registration.example:8443\r\nUser-Agent: "
              "github.com/ipshipyard/p2p-forge/client@unknown\r\nContent-Length: 0\r\nAuthorization: @\r\n"
              "Accept-Encoding: gzip\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: registration.example:8443\r\nUser-Agent: "
               "github.com/ipshipyard/p2p-forge/client@unknown\r\nContent-Length: 124\r\nAuthorization: @\r\n"
               "Accept-Encoding: gzip\r\n\r\n{\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}",
     .url = "http://registration.example:8443"},
    {.dialect = "go",
     .first_authorization = kChallenge,
     .first = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: registration.example:8443\r\nUser-Agent: "
              "github.com/ipshipyard/p2p-forge/client@unknown\r\nContent-Length: 0\r\nAuthorization: @\r\n"
              "Forge-Authorization: token\r\nAccept-Encoding: gzip\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: registration.example:8443\r\nUser-Agent: "
               "github.com/ipshipyard/p2p-forge/client@unknown\r\nContent-Length: 124\r\nAuthorization: @\r\n"
               "Forge-Authorization: token\r\nAccept-Encoding: gzip\r\n\r\n"
               "{\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}",
     .url = "http://registration.example:8443",
     .token = "token"},
    {.dialect = "js",
     .first_authorization = kChallenge,
     .first = "OPTIONS /v1/_acme-challenge HTTP/1.1\r\nhost: 127.0.0.1:8443\r\nconnection: keep-alive\r\n"
              "Content-Type: application/json\r\nUser-Agent: js-libp2p/3.3.11 node/22.23.3\r\n"
              "origin: http://127.0.0.1:8443\r\nauthorization: @\r\naccept: */*\r\naccept-language: *\r\n"
              "sec-fetch-mode: cors\r\naccept-encoding: gzip, deflate\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nhost: 127.0.0.1:8443\r\nconnection: keep-alive\r\n"
               "Content-Type: application/json\r\nUser-Agent: js-libp2p/3.3.11 node/22.23.3\r\n"
               "origin: http://127.0.0.1:8443\r\nAuthorization: @\r\naccept: */*\r\naccept-language: *\r\n"
               "sec-fetch-mode: cors\r\naccept-encoding: gzip, deflate\r\ncontent-length: 124\r\n\r\n"
               "{\"Value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"Addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}"},
    {.dialect = "js",
     .first_authorization = kChallenge,
     .first = "OPTIONS /v1/_acme-challenge HTTP/1.1\r\nhost: localhost:8443\r\nconnection: keep-alive\r\n"
              "Content-Type: application/json\r\nUser-Agent: js-libp2p/3.3.11 node/22.23.3\r\n"
              "origin: https://localhost:8443\r\nauthorization: @\r\naccept: */*\r\naccept-language: *\r\n"
              "sec-fetch-mode: cors\r\naccept-encoding: br, gzip, deflate\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nhost: localhost:8443\r\nconnection: keep-alive\r\n"
               "Content-Type: application/json\r\nUser-Agent: js-libp2p/3.3.11 node/22.23.3\r\n"
               "origin: https://localhost:8443\r\nAuthorization: @\r\naccept: */*\r\naccept-language: *\r\n"
               "sec-fetch-mode: cors\r\naccept-encoding: br, gzip, deflate\r\ncontent-length: 124\r\n\r\n"
               "{\"Value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"Addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}",
     .url = "https://localhost:8443/"},
    {.dialect = "nim",
     .first_authorization = "",
     .first = "GET /v1/_acme-challenge HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: nim-chronos/4.4.0 (amd64/linux)\r\n"
              "Accept: */*\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nContent-Length: 124\r\nAuthorization: @\r\nHost: 127.0.0.1\r\n"
               "Content-Type: application/json\r\nUser-Agent: nim-libp2p\r\nAccept: */*\r\n\r\n"
               "{\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}"},
    {.dialect = "python",
     .first_authorization = kChallenge,
     .first = "OPTIONS /v1/_acme-challenge HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nUser-Agent: python-requests/2.34.2\r\n"
              "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nAuthorization: @\r\n"
              "Content-Length: 0\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nUser-Agent: py-libp2p/autotls\r\n"
               "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nAuthorization: @\r\n"
               "Content-Length: 98\r\n\r\n{\"value\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", "
               "\"addresses\": [\"/ip4/127.0.0.1/tcp/4001\"]}"},
    {.dialect = "rust",
     .first_authorization = kChallenge,
     .first = "POST /v1/_acme-challenge HTTP/1.1\r\nauthorization: @\r\naccept: */*\r\nhost: 127.0.0.1:8443\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nauthorization: @\r\ncontent-type: application/json\r\n"
               "forge-authorization: token\r\naccept: */*\r\nhost: 127.0.0.1:8443\r\ncontent-length: 124\r\n\r\n"
               "{\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}",
     .token = "token"},
    {.dialect = "dotnet",
     .first_authorization = "",
     .first = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nContent-Length: 0\r\n\r\n",
     .second_authorization = kAnswer,
     .second = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nAuthorization: @\r\n"
               "Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n7C\r\n"
               "{\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"addresses\":[\"/ip4/127.0.0.1/tcp/4001\",\"/ip4/127.0.0.1/tcp/4001/ws\"]}\r\n0\r\n\r\n"},
};

std::string with(std::string_view recorded, std::string_view authorization) {
  std::string text(recorded);
  if (const std::size_t at = text.find(" @\r"); at != std::string::npos) text.replace(at + 1, 1, authorization);
  return text;
}

std::string first_line(std::string_view dialect, std::string_view url) {
  const std::string request = peer::first_request(*peer::find_dialect(dialect), submission(url), "x");
  return request.substr(0, request.find('\r'));
}

std::string host_line(std::string_view dialect, std::string_view url) {
  const std::string request = peer::first_request(*peer::find_dialect(dialect), submission(url), "x");
  std::size_t at = request.find("\r\nHost: ");
  if (at == std::string::npos) at = request.find("\r\nhost: ");
  REQUIRE(at != std::string::npos);
  return request.substr(at + 8, request.find('\r', at + 2) - at - 8);
}

}  // namespace

TEST_CASE("dialects: the bytes of each client") {
  for (const Vector& vector : kVectors) {
    INFO(vector.dialect);
    const peer::Dialect& dialect = *peer::find_dialect(vector.dialect);
    Submission made = submission(vector.url);
    made.token = vector.token;
    CHECK(peer::first_request(dialect, made, vector.first_authorization) ==
          with(vector.first, vector.first_authorization));
    CHECK(peer::second_request(dialect, made, vector.second_authorization) ==
          with(vector.second, vector.second_authorization));
  }
}

TEST_CASE("dialects: six of them, by name") {
  std::string names;
  for (const peer::Dialect& dialect : peer::dialects()) {
    names += std::string(dialect.name) + " ";
    CHECK(peer::find_dialect(dialect.name) == &dialect);
  }
  CHECK(names == "go js nim python rust dotnet ");
  CHECK(peer::find_dialect("Go") == nullptr);
}

TEST_CASE("dialects: the host, as it is sent and as it is signed") {
  struct Row {
    std::string_view dialect, url, sent, signed_name;
  };
  constexpr Row kRows[] = {
      {"go", "https://a.example", "a.example", "a.example"},
      {"go", "https://a.example:443", "a.example:443", "a.example:443"},
      {"go", "http://[::1]:81", "[::1]:81", "[::1]:81"},
      {"js", "https://a.example:443", "a.example", "a.example"},
      {"js", "https://a.example:80", "a.example:80", "a.example:80"},
      {"nim", "https://a.example:8443", "a.example", "a.example"},
      {"python", "https://a.example:8443", "a.example:8443", "registration.libp2p.direct"},
      {"rust", "https://a.example:8443", "a.example:8443", "a.example"},
      {"rust", "http://[::1]:81", "[::1]:81", "[::1]"},
      {"dotnet", "https://a.example:8443", "a.example:8443", "a.example"},
      {"dotnet", "http://a.example:80", "a.example", "a.example"},
  };
  for (const Row& row : kRows) {
    INFO(row.dialect << " " << row.url);
    CHECK(host_line(row.dialect, row.url) == row.sent);
    CHECK(peer::signed_hostname(*peer::find_dialect(row.dialect), *Url::parse(row.url)) == row.signed_name);
  }
}

TEST_CASE("dialects: a URL with a path") {
  CHECK(first_line("go", "http://a/") == "POST //v1/_acme-challenge HTTP/1.1");
  CHECK(first_line("rust", "http://a/b") == "POST /b/v1/_acme-challenge HTTP/1.1");
  CHECK(first_line("js", "http://a/") == "OPTIONS /v1/_acme-challenge HTTP/1.1");
  CHECK(first_line("dotnet", "http://a/b/") == "POST /b/v1/_acme-challenge HTTP/1.1");
}

TEST_CASE("dialects: values and addresses of any characters are JSON") {
  Submission odd = submission();
  odd.value = "\"\\\n{size}\xff";
  odd.addresses = {"/a\"b"};
  const std::string request = peer::second_request(*peer::find_dialect("go"), odd, "x");
  CHECK(request.ends_with("\r\n\r\n{\"value\":\"\\\"\\\\\\n{size}\xef\xbf\xbd\",\"addresses\":[\"/a\\\"b\"]}"));
  odd.addresses.clear();
  CHECK(peer::second_request(*peer::find_dialect("python"), odd, "x").ends_with(", \"addresses\": []}"));
}

TEST_CASE("url: what is one") {
  struct Row {
    std::string_view text, authority, path;
    std::uint16_t port;
  };
  constexpr Row kRows[] = {
      {"https://registration.libp2p.direct", "registration.libp2p.direct", "", 443},
      {"http://a:80", "a", "", 80},
      {"http://a:443", "a:443", "", 443},
      {"https://[2001:db8::1]:8443/x/", "[2001:db8::1]:8443", "/x/", 8443},
      {"http://127.0.0.1", "127.0.0.1", "", 80},
  };
  for (const Row& row : kRows) {
    INFO(row.text);
    const auto url = Url::parse(row.text);
    REQUIRE(url);
    CHECK(url->authority() == row.authority);
    CHECK(url->path == row.path);
    CHECK(url->port == row.port);
  }
  for (const char* const bad : {"",
                                "a",
                                "ftp://a",
                                "http://",
                                "http:///x",
                                "http://a b",
                                "http://a:",
                                "http://a:0",
                                "http://a:65536",
                                "http://a:1x",
                                "http://[::1",
                                "http://[::1]x",
                                "http://[127.0.0.1]",
                                "http://::1",
                                "http://u@a",
                                "http://a?b",
                                "http://a/?b",
                                "http://a/#",
                                "http://a/ ",
                                "http://a\r\nX: y",
                                "http://a/\r\nX: y",
                                "HTTP://a"}) {
    INFO(bad);
    CHECK_FALSE(Url::parse(bad));
  }
}

TEST_CASE("url: another host keeps scheme and path") {
  const Url url = Url::parse("http://127.0.0.1:8080/x").value();
  CHECK(url.with_host("a.example")->authority() == "a.example");
  CHECK(url.with_host("a.example")->path == "/x");
  CHECK(url.with_host("a.example:81")->authority() == "a.example:81");
  CHECK_FALSE(url.with_host("a/b"));
  CHECK_FALSE(url.with_host(""));
}
