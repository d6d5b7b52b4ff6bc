// Requests as bytes: what is taken, what is refused and how, whole and cut at every place.
#include "core/http/request_parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::http;
using Stage = RequestParser::Stage;

namespace {

constexpr MessageLimits kLimits{512, 8, 32};

// What came of some bytes, as text: "POST /x 1.1 [Host: a] body", "400 text" or "more", and what was not taken.
struct Outcome {
  std::string text, rest;
  bool operator==(const Outcome&) const = default;
};

std::string describe(RequestParser& parser) {
  const bool keeps_alive = parser.keeps_alive();
  const Request request = parser.take();
  std::string text = request.method + " " + request.target + (request.http_1_0 ? " 1.0" : " 1.1");
  for (const Field& field : request.fields) text += " [" + field.name + ": " + field.value + "]";
  if (!request.body.empty()) text += " " + request.body;
  if (request.body_too_large) text += " too large";
  if (!keeps_alive) text += " closes";
  return text;
}

Outcome parse(const std::vector<std::string>& pieces, MessageLimits limits = kLimits) {
  RequestParser parser(limits);
  std::string rest;
  std::optional<Refusal> refusal;
  for (const std::string& piece : pieces) {
    Bytes in = as_bytes(piece);
    if (!refusal && parser.stage() != Stage::done) {
      const auto received = parser.receive(in);
      if (!received) refusal = received.error();
      if (received && parser.stage() != Stage::done) REQUIRE(in.empty());
    }
    rest += as_text(in);
  }
  if (refusal) return {std::to_string(refusal->status), {}};
  if (parser.stage() != Stage::done) return {"more", {}};
  return {describe(parser), rest};
}

// The same, whatever the pieces.
Outcome parse_cut(const std::string& raw) {
  const Outcome whole = parse({raw});
  for (std::size_t cut = 0; cut <= raw.size(); ++cut) {
    INFO("cut at " << cut);
    CHECK(parse({raw.substr(0, cut), raw.substr(cut)}) == whole);
  }
  std::vector<std::string> bytes;
  for (const char c : raw) bytes.emplace_back(1, c);
  CHECK(parse(bytes) == whole);
  return whole;
}

std::string with(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";

}  // namespace

TEST_CASE("http: requests that are taken") {
  const struct {
    std::string raw, taken, rest;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1 [Host: a]", ""},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", "GET / 1.1 [Host: a]", "GET"},
      {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1 [Host: a]", ""},
      {"GET //v1/_acme-challenge?x#y HTTP/1.1\r\nhOST:\t a.b:80 \t\r\n\r\n",
       "GET //v1/_acme-challenge?x#y 1.1 [hOST: a.b:80]", ""},
      {"GET / HTTP/1.1\r\nHost:\r\nX:\r\n\r\n", "GET / 1.1 [Host: ] [X: ]", ""},
      {"GET / HTTP/1.1\r\nHost: [::1]:80\r\nX: a  b\tc\xC3\xA4\r\n\r\n",
       "GET / 1.1 [Host: [::1]:80] [X: a  b\tc\xC3\xA4]", ""},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * 1.1 [Host: a]", ""},
      {"BREW-2 /pot HTTP/1.1\r\nHost: a\r\n\r\n", "BREW-2 /pot 1.1 [Host: a]", ""},
      {"GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x?y 1.1 [Host: a]", ""},
      {"GET HTTPS://a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET / 1.1 [Host: a:1]", ""},
      {"GET http://a?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?y 1.1 [Host: a]", ""},
      {"GET / HTTP/1.0\r\n\r\n", "GET / 1.0 closes", ""},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 [Connection: Keep-Alive]", ""},
      {with("Connection: x, Close\r\n"), "POST / 1.1 [Host: a] [Connection: x, Close] closes", ""},
      {with("Content-Length: 3\r\n", "abcPOST"), "POST / 1.1 [Host: a] [Content-Length: 3] abc", "POST"},
      {with("Content-Length: 0\r\n", "x"), "POST / 1.1 [Host: a] [Content-Length: 0]", "x"},
      {with("Content-Length: 00032\r\n", std::string(32, 'x')),
       "POST / 1.1 [Host: a] [Content-Length: 00032] " + std::string(32, 'x'), ""},
      {with("Content-Length: 33\r\n"), "POST / 1.1 [Host: a] [Content-Length: 33] too large closes", ""},
      {with("Content-Length: 18446744073709551615\r\n", "x"),
       "POST / 1.1 [Host: a] [Content-Length: 18446744073709551615] too large closes", "x"},
      {with("TRANSFER-encoding: Chunked\r\n", "3\r\nabc\r\n0a;x=\"y;\";z\r\n0123456789\r\n000\r\n\r\nGET"),
       "POST / 1.1 [Host: a] [TRANSFER-encoding: Chunked] abc0123456789", "GET"},
      {with(kChunked, "0;last\r\nHost: b\r\nContent-Length: 7\r\n\r\nx"),
       "POST / 1.1 [Host: a] [Transfer-Encoding: chunked]", "x"},
      {with("Expect: 100-continue\r\nContent-Length: 1\r\n", "x"),
       "POST / 1.1 [Host: a] [Expect: 100-continue] [Content-Length: 1] x", ""},
  };
  for (const auto& [raw, taken, rest] : cases) {
    INFO(raw);
    const Outcome outcome = parse_cut(raw);
    CHECK(outcome.text == taken);
    CHECK(outcome.rest == rest);
    for (std::size_t size = 0; size < raw.size() - rest.size(); ++size) {
      if (!taken.ends_with("too large closes")) CHECK(parse({raw.substr(0, size)}).text == "more");
    }
  }
}

TEST_CASE("http: a chunked body that is too large is not waited for") {
  const std::string too_large = "POST / 1.1 [Host: a] [Transfer-Encoding: chunked] too large closes";
  CHECK(parse_cut(with(kChunked, "20\r\n" + std::string(32, 'x') + "\r\n1\r\n")).text == too_large);
  CHECK(parse_cut(with(kChunked, "21\r\n")).text == too_large);
  CHECK(parse_cut(with(kChunked, "ffffffffffffffff\r\n")).text == too_large);
}

TEST_CASE("http: requests that are refused") {
  const std::string nul(1, '\0');
  const struct {
    std::string status, raw;
  } cases[] = {
      // The request line.
      {"400", "\x16\x03\x01"},  // TLS
      {"400", "\r\n\r\nGET / HTTP/1.1\r\n"},
      {"400", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.1\nHost: a\n\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\n\r\n"},
      {"400", "GET / HTTP/1.1\rHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\r\n"},
      {"400", "GET /\r\n\r\n"},
      {"400", "GET\r\n\r\n"},
      {"400", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
      {"400", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/11\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
      {"505", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
      {"505", "PRI * HTTP/2.0\r\n\r\n"},
      {"505", "GET / HTTP/0.9\r\n\r\n"},
      // The target.
      {"400", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"},
      {"400", "GET /\xFF HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /" + nul + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      // Fields.
      {"400", with("X : y\r\n")},
      {"400", with(": y\r\n")},
      {"400", with("X\r\n")},
      {"400", with("X: a\r\n b\r\n")},
      {"400", with("X: a\r\n\tb\r\n")},
      {"400", with(" X: a\r\n")},
      {"400", with("X: a" + nul + "\r\n")},
      {"400", with("X" + nul + ": a\r\n")},
      {"400", with("X: a\x7F\r\n")},
      {"400", with("X: a\x1B\r\n")},
      {"400", with("X: a\rb\r\n")},
      {"400", with("X: a\nContent-Length: 3\r\n")},
      {"400", with("X\xC3\xA4: a\r\n")},
      {"400", with("X y: a\r\n")},
      // Host.
      {"400", "GET / HTTP/1.1\r\n\r\n"},
      {"400", with("Host: a\r\n")},
      {"400", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: \xC3\xA4\r\n\r\n"},
      // The length of the body.
      {"400", with("Content-Length: 3\r\nContent-Length: 3\r\n")},
      {"400", with("Content-Length: 3\r\nContent-Length: 4\r\n")},
      {"400", with("Content-Length: 3, 3\r\n")},
      {"400", with("Content-Length: 3,\r\n")},
      {"400", with("Content-Length:\r\n")},
      {"400", with("Content-Length: +3\r\n")},
      {"400", with("Content-Length: -3\r\n")},
      {"400", with("Content-Length: 0x3\r\n")},
      {"400", with("Content-Length: 3 3\r\n")},
      {"400", with("Content-Length: 18446744073709551616\r\n")},
      {"400", with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")},
      {"400", with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")},
      {"400", with("Transfer-Encoding: identity\r\nContent-Length: 3\r\n")},
      {"400", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {"400", with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")},
      {"400", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"501", with("Transfer-Encoding: gzip, chunked\r\n")},
      {"501", with("Transfer-Encoding: chunked, chunked\r\n")},
      {"501", with("Transfer-Encoding: chunked, gzip\r\n")},
      {"501", with("Transfer-Encoding: identity\r\n")},
      {"501", with("Transfer-Encoding: xchunked\r\n")},
      {"501", with("Transfer-Encoding: \"chunked\"\r\n")},
      {"501", with("Transfer-Encoding: chunked;q=1\r\n")},
      {"501", with("Transfer-Encoding:\r\n")},
      // Chunks.
      {"400", with(kChunked, "\r\n")},
      {"400", with(kChunked, "x\r\n")},
      {"400", with(kChunked, "-1\r\n")},
      {"400", with(kChunked, "+1\r\n")},
      {"400", with(kChunked, " 1\r\n")},
      {"400", with(kChunked, "0x1\r\n")},
      {"400", with(kChunked, "1_\r\n")},
      {"400", with(kChunked, "10000000000000001\r\n")},
      {"400", with(kChunked, "1\ra\r\n")},
      {"400", with(kChunked, "1\r\naX")},
      {"400", with(kChunked, "1\r\naXX1\r\n")},
      {"400", with(kChunked, "1\r\na0\r\n")},
      {"400", with(kChunked, "1;a=\"\n\"\r\nx\r\n")},
      {"400", with(kChunked, "1;a\n\r\n")},
      {"400", with(kChunked, "1 \r\n")},
      {"400", with(kChunked, "1 ;a\r\n")},
      {"400", with(kChunked, "0\r\n X: z\r\n\r\n")},
      {"400", with(kChunked, "0\r\nX: z\n\r\n")},
      {"400", with(kChunked, "0\r\nX\r\n\r\n")},
      {"400", with(kChunked, "0\r\n\rx")},
      {"400", with(kChunked, "0\r\nX y: z\r\n\r\n")},
      {"400", with(kChunked, "0\r\nX : z\r\n\r\n")},
      {"400", with(kChunked, "0\r\n" + nul + "\r\n\r\n")},
      {"400", with(kChunked, "1;" + std::string(600, 'x'))},
      {"400", with(kChunked, "0\r\nX: " + std::string(600, 'x'))},
      {"400", with(kChunked, std::string(600, '0'))},
      // What is too much.
      {"431", "GET /" + std::string(512, 'x')},
      {"431", with("X: " + std::string(512, 'x'))},
      {"431", with("a:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\nf:6\r\ng:7\r\nh:8\r\n")},
  };
  for (const auto& [status, raw] : cases) {
    INFO(raw);
    CHECK(parse_cut(raw).text == status);
  }
}

TEST_CASE("http: extensions of chunks count together") {
  std::string body;
  for (int i = 0; i < 6; ++i) body += "1;" + std::string(100, 'x') + "\r\na\r\n";
  CHECK(parse_cut(with(kChunked, body)).text == "400");
}

TEST_CASE("http: 100 is expected behind the head") {
  const auto expects = [](const std::string& raw) {
    RequestParser parser(kLimits);
    Bytes in = as_bytes(raw);
    REQUIRE(parser.receive(in).has_value());
    return parser.stage() == Stage::body && parser.expects_continue();
  };
  CHECK(expects(with("Expect: 100-Continue\r\nContent-Length: 3\r\n")));
  CHECK_FALSE(expects(with("Content-Length: 3\r\n")));
  CHECK_FALSE(expects(with("Expect: 100-continue\r\nContent-Length: 33\r\n")));
  CHECK_FALSE(expects("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
}

TEST_CASE("http: path and query") {
  const Request request{"GET", "//v1/x?a=b?c", {}, {}};
  CHECK(request.path() == "//v1/x");
  CHECK(request.query() == "a=b?c");
  CHECK(Request{"GET", "/x", {}, {}}.path() == "/x");
  CHECK(Request{"GET", "/x", {}, {}}.query().empty());
}

TEST_CASE("http: fields") {
  Fields fields;
  fields.add("X-A", "1, Two");
  fields.add("x-a", "three");
  CHECK(fields.find("X-a") == "1, Two");
  CHECK(fields.count("x-A") == 2);
  CHECK(fields.lists("x-a", "tWO"));
  CHECK(fields.lists("x-a", "THREE"));
  CHECK_FALSE(fields.lists("x-a", "on"));
  CHECK_FALSE(fields.find("x-"));
  fields.set("X-A", "4");
  CHECK(fields.size() == 1);
  CHECK(fields.begin()->value == "4");
}
