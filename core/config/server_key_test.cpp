#include <fmt/format.h>

#include "core/config/server_key.h"

#include <catch2/catch.hpp>

namespace swage::config {
namespace {

// "a. b. port 53", or the error.
std::string dump(std::string_view text) {
  const auto key = parse_key(text);
  if (!key) return key.error().text();
  const std::string scheme = key->scheme == Scheme::dns ? "" : fmt::format("{} ", to_string(key->scheme));
  return fmt::format("{}{}{}", scheme, fmt::join(key->zones, " "),
                     key->port ? fmt::format(" port {}", *key->port) : "");
}

struct Case {
  std::string_view text;
  std::string_view expected;
};

constexpr Case kKeys[] = {
    {".", "."},
    {".:53", ". port 53"},
    {"dns://.:1053", ". port 1053"},
    {"dns://example.org", "example.org."},
    {"tls://example.org", "tls example.org."},
    {"https://.:8443", "https . port 8443"},
    {"Example.ORG.", "example.org."},
    {"example.org:5300", "example.org. port 5300"},
    {"_acme-challenge.example.org", "_acme-challenge.example.org."},
    {"0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa."},
    {R"(a\.b.\090.example)", R"(a\.b.\090.example.)"},
    {R"(example\.)", R"(example\..)"},
    {"10.0.0.0/8:53", "10.in-addr.arpa. port 53"},
    {"10.0.0.0/24", "0.0.10.in-addr.arpa."},
    {"10.0.0.77/24", "0.0.10.in-addr.arpa."},
    {"10.0.0.0/15", "0.10.in-addr.arpa. 1.10.in-addr.arpa."},
    {"10.0.2.0/23", "2.0.10.in-addr.arpa. 3.0.10.in-addr.arpa."},
    {"192.0.2.252/30",
     "252.2.0.192.in-addr.arpa. 253.2.0.192.in-addr.arpa. 254.2.0.192.in-addr.arpa. 255.2.0.192.in-addr.arpa."},
    {"192.0.2.1/32", "1.2.0.192.in-addr.arpa."},
    {"0.0.0.0/0", "in-addr.arpa."},
    {"::/0", "ip6.arpa."},
    {"2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa."},
    {"dns://2001:db8::/32:5300", "8.b.d.0.1.0.0.2.ip6.arpa. port 5300"},
    {"2001:db8::/30",
     "8.b.d.0.1.0.0.2.ip6.arpa. 9.b.d.0.1.0.0.2.ip6.arpa. a.b.d.0.1.0.0.2.ip6.arpa. b.b.d.0.1.0.0.2.ip6.arpa."},
    {"2001:db8::/115",
     "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. "
     "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."},
    {"2001:db8::5/128", "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."},

    {"grpc://.", "transport 'grpc' is not supported; expected dns://, tls://, https:// or none"},
    {"quic://.", "transport 'quic' is not supported; expected dns://, tls://, https:// or none"},
    {"", "'' has no zone; the root is '.'"},
    {":53", "':53' has no zone; the root is '.'"},
    {"dns://", "'' has no zone; the root is '.'"},
    {"example.org:", "'example.org:': expected a port after ':'"},
    {"example.org:65536", "'65536' is not a port; expected 1 to 65535"},
    {"example.org:0", "'0' is not a port; expected 1 to 65535"},
    {"example.org:dns", "'example.org:dns' is not a valid zone: ':' must be followed by a port, 1 to 65535"},
    {"example.org:-1", "'example.org:-1' is not a valid zone: ':' must be followed by a port, 1 to 65535"},
    {"10.0.0.1", "'10.0.0.1' is an address; its reverse zone is written 10.0.0.1/32"},
    {"2001:db8::1", "'2001:db8::1' is an address; its reverse zone is written 2001:db8::1/128"},
    {"10.0.0.0/33", "not a prefix length of 0 to 32: '33'"},
    {"2001:db8::/x", "not a prefix length of 0 to 128: 'x'"},
    {"a..example", "'a..example' is not a valid zone: it has an empty label"},
    {".example", "'.example' is not a valid zone: it has an empty label"},
    {"z\xC3\xBCrich.example",
     "'z\xC3\xBCrich.example' is not a valid zone: write what is not ASCII as punycode, xn--…"},
    {"example.org{", "'example.org{' is not a valid zone: a brace stands alone, with blanks around it"},
    {"(tls)", "'(tls)' is not a valid zone: a snippet is '(name) {' on a line of its own"},
    {"a b", "'a b' is not a valid zone: it has white space or a control character"},
    {"a\"b", "'a\"b' is not a valid zone: a quote cannot be in it"},
    {R"(a\299.example)", R"('a\299.example' is not a valid zone: expected '\.' or '\DDD' at its '\')"},
    {R"(a\9)", R"('a\9' is not a valid zone: expected '\.' or '\DDD' at its '\')"},
};

TEST_CASE("parse_key", "[config]") {
  for (const Case& c : kKeys) {
    INFO(c.text);
    CHECK(dump(c.text) == c.expected);
  }
}

TEST_CASE("lengths of names", "[config]") {
  const std::string label(63, 'a');
  const std::string most = label + "." + label + "." + label + "." + std::string(61, 'b');  // 255 bytes on the wire
  CHECK(zones_of(label));
  CHECK(zones_of(label + "a").error().text() == "'" + label + "a' is not a valid zone: a label has more than 63 bytes");
  CHECK(zones_of(most));
  CHECK(zones_of(most + "b").error().text() == "'" + most + "b' is not a valid zone: it has more than 255 bytes");
}

TEST_CASE("a network off the boundary is at most 128 zones", "[config]") {
  const auto zones = zones_of("10.0.0.128/25");
  REQUIRE(zones);
  CHECK(zones->size() == 128);
  CHECK(zones->front() == "128.0.0.10.in-addr.arpa.");
  CHECK(zones->back() == "255.0.0.10.in-addr.arpa.");
}

TEST_CASE("zones_of ignores transport and port", "[config]") {
  CHECK(zones_of("dns://Example.org:53") == std::vector<std::string>{"example.org."});
}

}  // namespace
}  // namespace swage::config
