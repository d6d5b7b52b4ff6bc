// Responses as bytes: what the client makes of them, whole and cut at every place; what the server writes.
#include <chrono>
#include <string>
#include <vector>

#include "core/http/response_parser.h"
#include "core/http/response_text.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::http;

namespace {

constexpr MessageLimits kLimits{256, 4, 32};

// "200 [X: y] body", "error" or "more"; "… closes" where the connection cannot go on. "|" is what was not taken.
std::string parse(const std::vector<std::string>& pieces, bool to_head, bool ends) {
  ResponseParser parser(to_head, kLimits);
  std::string rest;
  for (const std::string& piece : pieces) {
    Bytes in = as_bytes(piece);
    if (!parser.done() && !parser.receive(in)) return "error";
    rest += as_text(in);
  }
  if (ends && !parser.receive_end()) return "error";
  if (!parser.done()) return "more";
  const bool closes = !parser.keeps_alive();
  const Response response = parser.take();
  std::string text = std::to_string(response.status);
  for (const Field& field : response.fields) text += " [" + field.name + ": " + field.value + "]";
  if (!response.body.empty()) text += " " + response.body;
  if (closes) text += " closes";
  return rest.empty() ? text : text + "|" + rest;
}

std::string parse_cut(const std::string& raw, bool to_head, bool ends) {
  const std::string whole = parse({raw}, to_head, ends);
  for (std::size_t cut = 0; cut <= raw.size(); ++cut) {
    INFO("cut at " << cut);
    CHECK(parse({raw.substr(0, cut), raw.substr(cut)}, to_head, ends) == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("http: responses are read") {
  enum { whole, to_head, ends, ends_to_head };
  const struct {
    std::string raw;
    int how;
    std::string read;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", whole, "200 [Content-Length: 2] ab"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", whole, "200 [Content-Length: 2] ab|c"},
      {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", whole, "200 [Content-Length: 0]"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", whole,
       "200 [Content-Length: 2] [Connection: close] ab closes"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", whole, "200 [Content-Length: 2] ab closes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: x\r\n\r\n", whole,
       "200 [Transfer-Encoding: chunked] abc"},
      {"HTTP/1.1 200 OK\r\n\r\nabc", whole, "more"},
      {"HTTP/1.1 200 OK\r\n\r\nabc", ends, "200 abc closes"},
      {"HTTP/1.1 200 OK\r\n\r\n", ends, "200 closes"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", to_head, "200 [Content-Length: 9]"},
      {"HTTP/1.1 200 OK\r\n\r\n", to_head, "200"},
      {"HTTP/1.1 204 No Content\r\n\r\nHTTP", whole, "204|HTTP"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", whole, "304 [Content-Length: 9]"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 1\r\n\r\nx",
       whole, "401 [Content-Length: 1] x"},
      {"HTTP/1.1 100 Continue\r\n\r\n", whole, "more"},
      {"HTTP/1.1 100 Continue\r\n\r\n", ends, "error"},
      {"HTTP/1.1 101 Switching\r\n\r\nx", whole, "101 closes|x"},
      {"", ends, "error"},
      {"HTTP/1.1 200 OK\r\nCon", ends, "error"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", ends, "error"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", ends, "error"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", whole, "error"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", whole, "error"},
      {"HTTP/1.1 200 OK\nContent-Length: 3\n\n", whole, "error"},
      {"HTTP/2.0 200 OK\r\n\r\n", whole, "error"},
      {"HTTP/1.1 2000 OK\r\n\r\n", whole, "error"},
      {"SSH-2.0-OpenSSH\r\n\r\n", whole, "error"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n", whole, "error"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(33, 'x'), whole, "error"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n21\r\n", whole, "error"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(256, 'x'), whole, "error"},
      {"HTTP/1.1 200 OK\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\n\r\n", whole, "error"},
  };
  for (const auto& [raw, how, read] : cases) {
    INFO(raw);
    CHECK(parse_cut(raw, how == to_head || how == ends_to_head, how == ends || how == ends_to_head) == read);
  }
}

TEST_CASE("http: interim responses have an end") {
  std::string raw;
  for (int i = 0; i < 17; ++i) raw += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(parse({raw}, false, false) == "error");
}

TEST_CASE("http: responses are written") {
  const std::chrono::system_clock::time_point date{std::chrono::seconds(784111777)};  // RFC 9110's example
  const std::string dated = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  Response response;
  response.body = "body";
  response.fields.add("X", "y\r\nZ: \x01\x7F");
  response.fields.add("X Y", "no name");
  for (const char* ours : {"content-length", "Transfer-Encoding", "connection", "date", "Keep-Alive"}) {
    response.fields.add(ours, "7");
  }
  const std::string fields = dated + "X: y  Z:   \r\n";
  CHECK(response_text(response, {}, date) == "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 4\r\n\r\nbody");
  CHECK(response_text(response, {true, false, true}, date) ==
        "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 4\r\nConnection: close\r\n\r\n");
  CHECK(response_text(response, {false, true, false}, date) ==
        "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 4\r\nConnection: keep-alive\r\n\r\nbody");
  response.status = 204;
  CHECK(response_text(response, {}, date) == "HTTP/1.1 204 No Content\r\n" + fields + "\r\n");
  response.status = 304;
  CHECK(response_text(response, {}, date) == "HTTP/1.1 304 Not Modified\r\n" + fields + "\r\n");
  response = Response();
  response.status = 431;
  CHECK(response_text(response, {}, date) ==
        "HTTP/1.1 431 Request Header Fields Too Large\r\n" + dated + "Content-Length: 0\r\n\r\n");
}
