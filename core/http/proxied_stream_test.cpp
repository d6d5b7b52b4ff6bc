// A server behind a proxy that names its clients by the PROXY protocol.
#include "core/http/proxied_stream.h"

#include "core/http/server_testing.h"

using namespace swage;
using namespace swage::http;
using namespace swage::http::testing;
using namespace std::string_literals;

namespace {

Limits behind(const std::string& proxy, ProxyPolicy::Rule others) {
  Limits limits;
  limits.proxy_protocol = ProxyPolicy{{*Prefix::parse(proxy)}, others};
  limits.header_time = 300ms;
  return limits;
}

std::string asked(const Limits& limits, const std::string& before, std::size_t cut) {
  Bench bench(limits);
  const std::string said = before + get("/client", kCloses);
  std::string answer = ask(bench, {{said.substr(0, cut), said.substr(cut)}});
  const std::size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? answer : answer.substr(body + 4);
}

const std::string kText = "PROXY TCP4 192.0.2.7 127.0.0.1 50000 443\r\n";
const std::string kBinary = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\7"s +
                            std::string(15, '\0') + "\1\xC3\x50\1\xBB"s;

}  // namespace

TEST_CASE("http server: the client is whom a proxy names") {
  const Limits trusting = behind("127.0.0.1", ProxyPolicy::Rule::reject);
  for (const std::size_t cut : {1U, 7U, 13U, 30U, 43U, 60U}) {
    CHECK(asked(trusting, kText, cut) == "192.0.2.7");
    CHECK(asked(trusting, kBinary, cut) == "2001:db8::7");
    CHECK(asked(trusting, "", cut % 20) == "127.0.0.1");
  }
  CHECK(asked(trusting, "PROXY UNKNOWN\r\n", 3) == "127.0.0.1");
  CHECK(asked(trusting, "PROXY TCP4 192.0.2.7\r\n", 3).find("192.0.2.7") == std::string::npos);
  const std::string twice = asked(trusting, kText + kText, 3);
  CHECK(twice.find("malformed request") != std::string::npos);
}

TEST_CASE("http server: others are not believed") {
  CHECK(asked(behind("192.0.2.1", ProxyPolicy::Rule::ignore), kText, 3) == "127.0.0.1");
  CHECK(asked(behind("192.0.2.1", ProxyPolicy::Rule::reject), kBinary, 3).find("127.0.0.1") == std::string::npos);
  CHECK(asked(behind("192.0.2.1", ProxyPolicy::Rule::reject), "", 3) == "127.0.0.1");
  CHECK(asked(behind("192.0.2.1", ProxyPolicy::Rule::skip), kText, 3).find("malformed request") != std::string::npos);
}
