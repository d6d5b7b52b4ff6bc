// Responses of other nameservers: from the wire to memory, and from there into an answer.
#include "core/dns/stored_answer.h"

#include <algorithm>
#include <random>

#include "core/dns/decode.h"
#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "tests/support/dns_message.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using dns::StoredAnswer;
using tests::Packet;

// A message in hexadecimal; spaces mean nothing.
Packet message(std::string_view text) {
  Packet bytes;
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// www.example.org. MX: a CNAME to example.org., its MX records, NS, A of mail, OPT with two options.
const std::string kHead = "1234 8480 0001 0002 0001 0002 ";
const std::string kQuestion = "03777777 076578616d706c65 036f7267 00 000f 0001 ";
const std::string kAnswer =
    "c00c 0005 0001 00000e10 0002 c010 "
    "c010 000f 0001 0000003c 0009 000a 046d61696c c010 ";
const std::string kAuthority = "C010 0002 0001 00015180 0005 026e73 c010 ";
const std::string kAdditional =
    "c03d 0001 0001 0000012c 0004 c0000201 "
    "00 0029 04d0 00008000 000b 0003 0003 616263 000f 0000 ";

std::string text_of(const Packet& bytes) {
  dns::Response response;
  const Result<> decoded = dns::decode(bytes, response);
  return decoded ? tests::response_text(response) : decoded.error().text();
}

struct Loaded {
  explicit Loaded(const Packet& request) : packet(request) { REQUIRE(dns::parse(packet, query) == dns::Parsed::query); }
  Packet packet;
  dns::Query query;
  dns::Response response;
};

}  // namespace

TEST_CASE("decode: a response as it came") {
  const Packet bytes = message(kHead + kQuestion + kAnswer + kAuthority + kAdditional);
  CHECK(text_of(bytes) ==
        "NOERROR aa\n"
        "www.example.org. 3600 IN CNAME example.org.\n"
        "example.org. 60 IN MX 10 mail.example.org.\n"
        "-- authority\n"
        "example.org. 86400 IN NS ns.example.org.\n"
        "-- additional\n"
        "mail.example.org. 300 IN A 192.0.2.1\n");
  dns::Response response;
  REQUIRE(dns::decode(bytes, response));
  REQUIRE(response.options.size() == 2);
  CHECK(response.options[0].code == 3);
  CHECK(as_text(response.options[0].data) == "abc");
  CHECK(response.answer[1].rdata.size() == 2 + 18);
}

TEST_CASE("decode: what is wrong is refused") {
  const std::string whole = kHead + kQuestion + kAnswer + kAuthority + kAdditional;
  CHECK(text_of(message(whole + "00")) == "bytes after its end");
  CHECK(text_of(message("1234 0480 0001 0000 0000 0000 " + kQuestion)) == "not a response");
  CHECK(text_of(message("1234 8480 0000 0000 0000 0000 ")) == "not one question");
  CHECK(text_of(message("1234 8480 0002 0000 0000 0000 " + kQuestion + kQuestion)) == "not one question");
  const std::string one = "1234 8480 0001 0001 0000 0000 " + kQuestion;
  CHECK(text_of(message(one + "c021 0001 0001 00000000 0004 01020304")) == "a record's owner is not a domain name");
  CHECK(text_of(message(one + "c025 0001 0001 00000000 0004 01020304")) == "a record's owner is not a domain name");
  CHECK(text_of(message(one + "c00c 0001 0001 00000000 0003 010203")) == "A: address: cut short");
  CHECK(text_of(message(one + "c00c 0005 0001 00000000 0003 c01000")) == "CNAME: 1 byte after its last field, target");
  CHECK(text_of(message(one + "c00c 0005 0001 00000000 0002 03c0")) == "CNAME: not a domain name");
  CHECK(text_of(message(one + "00 0029 04d0 00000000 0000")) == "an OPT record out of place");
  CHECK(text_of(message(one + "c00c 0001 0001 ffffffff 0004 01020304")) ==
        "NOERROR aa\nwww.example.org. 0 IN A 1.2.3.4\n");
  const Packet bytes = message(whole);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    dns::Response response;
    CHECK_FALSE(dns::decode(Bytes(bytes).first(size), response));
  }
}

TEST_CASE("stored answer: is answered in the spelling of whoever asks") {
  dns::Response received;
  const Packet bytes = message(kHead + kQuestion + kAnswer + kAuthority + kAdditional);
  REQUIRE(dns::decode(bytes, received));
  const auto stored = dns::store(received, *dns::Name::parse("www.example.org"));
  REQUIRE(stored);
  CHECK(stored->kind == StoredAnswer::Kind::success);
  CHECK(stored->ttl == 60);
  Loaded loaded(tests::encode(tests::Question{.name = "WWW.Example.org.", .type = "MX"}));
  REQUIRE(dns::load(stored->bytes, loaded.query, loaded.response));
  CHECK(tests::response_text(loaded.response) ==
        "NOERROR aa\n"
        "WWW.Example.org. 3600 IN CNAME example.org.\n"
        "Example.org. 60 IN MX 10 mail.example.org.\n"
        "-- authority\n"
        "Example.org. 86400 IN NS ns.example.org.\n"
        "-- additional\n"
        "mail.example.org. 300 IN A 192.0.2.1 (optional)\n");

  Loaded other(tests::encode(tests::Question{.name = "org.", .type = "MX"}));
  CHECK_FALSE(dns::load(stored->bytes, other.query, other.response));
}

TEST_CASE("stored answer: who has said it, and errors, are kept") {
  Loaded loaded(tests::encode({.name = "www.example.org.", .type = "MX", .opt = tests::Opt{}}));
  const std::array<std::uint8_t, 3> error{0, 17, 'x'};
  const std::array<std::uint8_t, 67> too_long{};
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    dns::Response response;
    response.origin = {.address = *IpAddress::parse(address), .port = 5353};
    response.options = {{15, error}, {3, error}, {15, too_long}, {15, Bytes(error).first(1)}};
    const Result<StoredAnswer> stored = dns::store(response, loaded.query.qname);
    REQUIRE(stored);
    loaded.response.clear();
    REQUIRE(dns::load(stored->bytes, loaded.query, loaded.response));
    CHECK(loaded.response.origin == response.origin);
    REQUIRE(loaded.response.options.size() == 1);
    CHECK(loaded.response.options[0].code == 15);
    CHECK(std::ranges::equal(loaded.response.options[0].data, error));
  }
}

TEST_CASE("stored answer: kinds and times") {
  const dns::Name zone = *dns::Name::parse("example.org");
  const std::array<std::uint8_t, 22> soa = {0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 60};
  const auto kind_and_ttl = [&](dns::Rcode rcode, bool has_soa, std::uint32_t ttl) {
    dns::Response response;
    response.rcode = rcode;
    if (has_soa) response.authority.push_back({.owner = zone, .type = dns::Type::soa, .ttl = ttl, .rdata = soa});
    const auto stored = dns::store(response, zone);
    return std::pair(stored->kind, stored->ttl);
  };
  using Kind = StoredAnswer::Kind;
  CHECK(kind_and_ttl(dns::Rcode::noerror, true, 3600) == std::pair(Kind::denial, 60U));
  CHECK(kind_and_ttl(dns::Rcode::nxdomain, true, 30) == std::pair(Kind::denial, 30U));
  CHECK(kind_and_ttl(dns::Rcode::nxdomain, false, 0) == std::pair(Kind::failure, 0U));
  CHECK(kind_and_ttl(dns::Rcode::noerror, false, 0) == std::pair(Kind::success, 5U));
  CHECK(kind_and_ttl(dns::Rcode::servfail, true, 9) == std::pair(Kind::failure, StoredAnswer::kAnyTime));
  CHECK(kind_and_ttl(dns::Rcode::notimp, false, 0) == std::pair(Kind::failure, StoredAnswer::kAnyTime));
  CHECK(kind_and_ttl(dns::Rcode::refused, false, 0) == std::pair(Kind::failure, 0U));

  // An alias of a name that does not have what was asked for.
  dns::Response alias;
  alias.rcode = dns::Rcode::noerror;
  alias.answer = {{.owner = zone, .type = dns::Type::cname, .ttl = 3600, .rdata = zone.view().bytes()},
                  {.owner = zone, .type = dns::Type::rrsig, .ttl = 3600, .rdata = soa}};
  CHECK(dns::store(alias, zone)->kind == Kind::success);
  alias.authority.push_back({.owner = zone, .type = dns::Type::soa, .ttl = 3600, .rdata = soa});
  CHECK(dns::store(alias, zone)->kind == Kind::denial);
  CHECK(dns::store(alias, zone)->ttl == 60);
}

TEST_CASE("stored answer: bytes that say anything become an answer that can be encoded, or none") {
  dns::Response received;
  const Packet bytes = message(kHead + kQuestion + kAnswer + kAuthority + kAdditional);
  REQUIRE(dns::decode(bytes, received));
  const auto stored = dns::store(received, *dns::Name::parse("www.example.org"));
  REQUIRE(stored);
  Loaded loaded(tests::encode(tests::Question{.name = "www.example.org.", .type = "MX"}));
  std::mt19937 random(1);
  std::vector<std::uint8_t> out(65'535);
  int taken = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::vector<std::uint8_t> damaged = stored->bytes;
    for (auto left = 1 + random() % 3; left > 0; --left) {
      damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random() >> random() % 8);
    }
    if (random() % 8 == 0) damaged.resize(random() % damaged.size());
    damaged.shrink_to_fit();
    loaded.response.clear();
    if (!dns::load(damaged, loaded.query, loaded.response)) continue;
    ++taken;
    CHECK(dns::encode(loaded.query, loaded.response, out) >= 12);
  }
  CHECK(taken > 1000);
}
