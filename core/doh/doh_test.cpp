// DNS in requests and responses of HTTP, and HTTP/1.1 as a codec.
#include "core/doh/doh.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/http/http1.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::doh {
namespace {

const std::string kQuery(
    "\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x01"
    "a\0\0\x01\0\x01",
    19);

http::Request request(std::string method, std::string target, std::string type = "", std::string body = "") {
  http::Request made;
  made.method = std::move(method);
  made.target = std::move(target);
  if (!type.empty()) made.fields.add("content-type", type);
  made.body = std::move(body);
  return made;
}

unsigned status(const http::Request& asked) {
  const auto message = message_of(asked);
  return message ? 200 : message.error().status;
}

// A response with records "TYPE TTL" in answer and authority; a SOA's minimum is 7.
std::string response(unsigned rcode, const std::vector<std::pair<int, int>>& answer,
                     const std::vector<std::pair<int, int>>& authority) {
  std::string text = kQuery;
  text[2] = static_cast<char>(0x84);
  text[3] = static_cast<char>(rcode);
  text[7] = static_cast<char>(answer.size());
  text[9] = static_cast<char>(authority.size());
  for (const auto* section : {&answer, &authority}) {
    for (const auto& [type, ttl] : *section) {
      const std::string data = type == 6 ? std::string(
                                               "\0\0"
                                               "1234567890123456\0\0\0\x07",
                                               22)
                                         : "1234";
      text += std::string("\xC0\x0C\0", 3) + static_cast<char>(type) + std::string("\0\x01\0\0\0", 5);
      text += static_cast<char>(ttl);
      text += '\0';
      text += static_cast<char>(data.size()) + data;
    }
  }
  return text;
}

std::string fresh(const std::string& message) {
  const auto seconds = freshness(as_bytes(message));
  return seconds ? std::to_string(*seconds) : "no";
}

}  // namespace

TEST_CASE("doh: requests") {
  const std::string dns = crypto::to_base64url(as_bytes(kQuery));
  const std::string bare = dns.substr(0, dns.find('='));
  for (const std::string& target :
       {"/dns-query?dns=" + bare, "/dns-query?dns=" + dns, "/dns-query?ct&dns=" + bare + "&x=1"}) {
    const auto message = message_of(request("GET", target));
    REQUIRE(message);
    CHECK(as_text(Bytes(*message)) == kQuery);
  }
  const std::string type = "application/dns-message";
  CHECK(status(request("HEAD", "/dns-query?dns=" + bare)) == 200);
  CHECK(status(request("POST", "/dns-query", type, kQuery)) == 200);
  CHECK(status(request("POST", "/dns-query", "Application/DNS-message ; a=b", kQuery)) == 200);
  CHECK(status(request("POST", "/dns-query", type, "short")) == 400);
  CHECK(status(request("POST", "/dns-query", "text/plain", kQuery)) == 415);
  CHECK(status(request("POST", "/dns-query", "", kQuery)) == 415);
  CHECK(status(request("PUT", "/dns-query", type, kQuery)) == 405);
  CHECK(status(request("GET", "/dns-query")) == 400);
  CHECK(status(request("GET", "/dns-query?dns=")) == 400);
  CHECK(status(request("GET", "/dns-query?dns=a+b")) == 400);
  CHECK(status(request("GET", "/dns-query?dns=" + bare + "&dns=" + bare)) == 400);
  CHECK(status(request("GET", "/dns-queryx?dns=" + bare)) == 404);
  CHECK(status(request("GET", "*")) == 404);
  http::Request large = request("POST", "/dns-query", type);
  large.body_too_large = true;
  CHECK(status(large) == 413);
}

TEST_CASE("doh: how long a response may be kept") {
  CHECK(fresh(response(0, {{1, 77}, {1, 60}, {5, 90}}, {{2, 5}})) == "60");
  CHECK(fresh(response(0, {}, {{6, 60}})) == "7");
  CHECK(fresh(response(3, {}, {{6, 5}})) == "5");
  CHECK(fresh(response(3, {{5, 3}}, {{6, 60}})) == "3");
  CHECK(fresh(response(2, {}, {{6, 60}})) == "no");
  CHECK(fresh(response(5, {}, {})) == "no");
  CHECK(fresh(response(0, {}, {{2, 60}})) == "no");  // a referral
  const std::string whole = response(0, {{1, 77}, {16, 60}}, {{6, 1}});
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(fresh(whole.substr(0, size)) == "no");
  const http::Response made = response_of(as_bytes(whole));
  CHECK(made.fields.find("Cache-Control") == "max-age=1");
  CHECK(made.fields.find("Content-Type") == "application/dns-message");
  CHECK(made.body == whole);
}

TEST_CASE("doh: HTTP/1.1, a request at a time, in pieces") {
  const std::string text =
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  for (std::size_t at = 0; at <= text.size(); ++at) {
    http::Http1 codec({.header = 1000, .fields = 10, .body = 10});
    std::string seen, answered;
    const auto go_on = [&] {
      while (auto next = codec.next()) {
        CHECK(codec.is_full());
        CHECK_FALSE(codec.next());
        seen += next->request.target + next->request.body + " ";
        http::Response made;
        made.body = "ok";
        codec.respond(next->stream, made);
      }
    };
    codec.receive(as_bytes(text).first(at));
    go_on();
    codec.receive(as_bytes(text).subspan(at));
    go_on();
    CHECK(seen == "/a /babc ");
    std::vector<std::uint8_t> out;
    while (codec.wants_write()) codec.write(out, out.size() + 7);
    CHECK(as_text(Bytes(out)).find("ok") != as_text(Bytes(out)).rfind("ok"));
    CHECK_FALSE(codec.over());
  }
  http::Http1 bad({.header = 1000, .fields = 10, .body = 10});
  bad.receive(as_bytes(std::string_view("nothing\r\n\r\n")));
  CHECK_FALSE(bad.next());
  CHECK(bad.over());
  CHECK(bad.wants_write());
}

}  // namespace swage::doh
