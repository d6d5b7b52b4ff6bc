// RFC 9018 appendix A, and what is not a good cookie.
#include "core/cookie/cookie.h"

#include <string_view>
#include <vector>

#include "core/text.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;

namespace {

std::vector<std::uint8_t> hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(hex_value(text[i]) << 4 | hex_value(text[i + 1])));
  }
  return bytes;
}

std::vector<std::uint8_t> bytes_of(const cookie::Cookie& cookie) { return {cookie.begin(), cookie.end()}; }

constexpr const char* kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";

// Memory of secrets, the first of which makes cookies.
std::vector<std::uint8_t> memory(std::initializer_list<const char*> secrets) {
  std::vector<std::uint8_t> memory(cookie::Secrets::kHeader);
  for (const char* const each : secrets) {
    const auto secret = hex(each);
    memory.insert(memory.end(), secret.begin(), secret.end());
  }
  return memory;
}

}  // namespace

TEST_CASE("cookie: the vectors of RFC 9018 appendix A") {
  struct Case {
    const char *client, *secret, *received;
    std::uint32_t now;
    const char* sent;
    bool good;
  };
  for (const Case& each : {
           // A.1: learning a new server cookie
           Case{"198.51.100.100", kSecret, "2464c4abcf10c957", 1559731985,
                "2464c4abcf10c957010000005cf79f111f8130c3eee29480", false},
           // A.2: the same client learns a renewed (fresh) server cookie
           Case{"198.51.100.100", kSecret, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559734385,
                "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", true},
           // A.3: another client learns a renewed server cookie: its own is of nearly two hours ago
           Case{"203.0.113.203", kSecret, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1559734700,
                "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", false},
           // A.4: IPv6 query with rolled over secret
           Case{"2001:db8:220:1:59de:d0f4:8769:82b8", "445536bcd2513298075a5d379663c962",
                "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961,
                "22681ab97d52c298010000005cf7c609a6bb79d16625507a", true},
       }) {
    INFO(each.received);
    const bool rolled = std::string_view(each.secret) != kSecret;
    const auto secrets = rolled ? memory({each.secret, "dd3bdf9344b678b185a6f5cb60fca715"}) : memory({each.secret});
    const auto reply =
        cookie::answer(hex(each.received), *IpAddress::parse(each.client), each.now, cookie::Secrets(secrets));
    CHECK(reply.good == each.good);
    CHECK(bytes_of(reply.cookie) == hex(each.sent));
  }
  // That of A.3 is good when it is young, though its reserved bytes are not 0.
  CHECK(cookie::verify(hex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"), *IpAddress::parse("203.0.113.203"),
                       0x5cf78f71 + 60, hex(kSecret)));
}

TEST_CASE("cookie: what is good comes back as it is for half an hour, and is good for an hour") {
  const IpAddress client = *IpAddress::parse("192.0.2.7");
  const auto of = memory({kSecret});
  const cookie::Secrets secrets(of);
  constexpr std::uint32_t kNow = 5000;
  const auto good = cookie::make(hex("0102030405060708"), client, kNow, secrets[0]);
  struct Case {
    std::uint32_t now;
    bool good, same;
  };
  for (const Case& each : {Case{kNow, true, true}, Case{kNow + 1800, true, true}, Case{kNow + 1801, true, false},
                           Case{kNow + 3600, true, false}, Case{kNow + 3601, false, false},
                           Case{kNow - 300, true, true}, Case{kNow - 301, false, false}}) {
    INFO(each.now);
    const auto reply = cookie::answer(good, client, each.now, secrets);
    CHECK(reply.good == each.good);
    CHECK((reply.cookie == good) == each.same);
    CHECK(load_u32(&reply.cookie[12]) == (each.same ? kNow : each.now));
  }
  // Around the end of the 32 bits.
  const auto late = cookie::make(good, client, 0xFFFFFFF0, secrets[0]);
  CHECK(cookie::verify(late, client, 100, secrets[0]));
}

TEST_CASE("cookie: no other one is good") {
  const IpAddress client = *IpAddress::parse("192.0.2.7");
  const auto secret = hex(kSecret);
  const auto good = cookie::make(hex("0102030405060708"), client, 5000, secret);
  REQUIRE(cookie::verify(good, client, 5000, secret));
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      cookie::Cookie bad = good;
      bad[byte] ^= static_cast<std::uint8_t>(1 << bit);
      CHECK_FALSE(cookie::verify(bad, client, 5000, secret));
    }
  }
  for (const char* const other : {"192.0.2.8", "::1", "::ffff:192.0.2.7"}) {
    CHECK_FALSE(cookie::verify(good, *IpAddress::parse(other), 5000, secret));
  }
  CHECK_FALSE(cookie::verify(good, client, 5000, hex("e5e973e5a6b2a43f48e7dc849e37bfce")));
  for (std::size_t size = 0; size < 24; ++size)
    CHECK_FALSE(cookie::verify(Bytes(good).first(size), client, 5000, secret));
  std::vector<std::uint8_t> longer(good.begin(), good.end());
  longer.push_back(0);
  CHECK_FALSE(cookie::verify(longer, client, 5000, secret));
}

TEST_CASE("cookie: lengths (RFC 7873 section 4)") {
  for (std::size_t size = 0; size < 64; ++size) {
    const std::vector<std::uint8_t> option(size);
    CHECK(cookie::is_well_formed(option) == (size == 8 || (size >= 16 && size <= 40)));
  }
}

TEST_CASE("cookie: memory that is none has no secrets") {
  CHECK(cookie::Secrets({}).count() == 0);
  CHECK(cookie::Secrets({}).hash_key().empty());
  const std::vector<std::uint8_t> header(cookie::Secrets::kHeader);
  CHECK(cookie::Secrets(header).count() == 0);
  CHECK(cookie::Secrets(header).hash_key().size() == 16);
}
