#include "plugins/ipsubdomain/ipsubdomain.h"

#include <array>

#include <fmt/format.h>

#include "core/denylist/builder.h"
#include "core/forge/address_label.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"ipsubdomain", &plugins::ipsubdomain::setup}};

// `text` with the peer IDs that it names: of an Ed25519 and a secp256k1 key, and a hash in base36 and base32.
std::string full(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kPeers[] = {
      {"$ed", "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk"},
      {"$secp", "kzwfwjn5ji4put13uvtwtc7azzwk42cq2o8ctfnxa6q8n90e72o3pjqbrp3lpcp"},
      {"$hash36", "k2k4r8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj"},
      {"$hash32", "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm"}};
  for (const auto& [name, label] : kPeers) {
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name)) {
      text.replace(at, name.size(), label);
    }
  }
  return text;
}

const std::string kZone = full(
    "$TTL 3600\n"
    "@ 7200 SOA ns hostmaster 2025010101 86400 2400 604800 600\n"
    "@ NS ns\n"
    "ns A 192.0.2.1\n"
    "static TXT static\n"
    "note.$ed TXT note\n"
    "away.$ed CNAME nowhere\n");

const std::string kNoData =
    "NOERROR aa\n-- authority\nlibp2p.direct. 600 IN SOA ns.libp2p.direct. hostmaster.libp2p.direct. "
    "2025010101 86400 2400 604800 600\n";
const std::string kNxDomain = "NXDOMAIN" + kNoData.substr(std::string_view("NOERROR").size());
const std::string kMadeUp =
    "NOERROR aa\n-- authority\nlibp2p.direct. 86400 IN SOA ns.libp2p.direct. hostmaster.libp2p.direct. 1 86400 2400 "
    "604800 86400\n";

std::string ask(PluginHarness& chain, const std::string& query) { return chain.ask(full(query)); }

PluginHarness with_zone(std::string_view corefile) {
  return {kPlugins, corefile, tests::zone_rest(kZone, "libp2p.direct")};
}

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string address_text(std::string_view label) {
  const auto address = forge::parse_address_label(as_bytes(label));
  return address ? address->to_string() : "";
}

}  // namespace

TEST_CASE("ipsubdomain: labels that are addresses") {
  const struct {
    std::string_view label, address;
  } cases[] = {
      {"203-0-113-1", "203.0.113.1"},
      {"0-0-0-0", "0.0.0.0"},
      {"255-255-255-255", "255.255.255.255"},
      {"2001-db8-0-1-2-3-4-5", "2001:db8:0:1:2:3:4:5"},
      {"1-2-3-4-5-6-7-8", "1:2:3:4:5:6:7:8"},
      {"2001-db8--1", "2001:db8::1"},
      {"2001-0db8-0000-0000-0000-0000-0000-0001", "2001:db8::1"},
      {"ffff-ffff-ffff-ffff-ffff-ffff-ffff-ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"0--1", "::1"},
      {"--1", "::1"},
      {"1--0", "1::"},
      {"1--", "1::"},
      {"0--0", "::"},
      {"0--", "::"},
      {"--0", "::"},
      {"--", "::"},
      {"a--b", "a::b"},
      {"1-2-3--6-7-8", "1:2:3::6:7:8"},
      {"1-2-3-4-5-6--8", "1:2:3:4:5:6:0:8"},
      {"--2-3-4-5-6-7-8", "0:2:3:4:5:6:7:8"},
      {"1-2-3-4-5-6-7--", "1:2:3:4:5:6:7:0"},
      {"0--ffff-102-304", "::ffff:1.2.3.4"},
      {"--ffff-102-304", "::ffff:1.2.3.4"},
      {"0-0-0-0-0-ffff-102-304", "::ffff:1.2.3.4"},
      {"1--2-3-4", "1::2:3:4"},
  };
  for (const auto& [label, address] : cases) {
    CAPTURE(label);
    CHECK(address_text(label) == address);
  }
}

TEST_CASE("ipsubdomain: labels that are no addresses") {
  for (const std::string_view label : {"",
                                       "-",
                                       "---",
                                       "foo",
                                       "1",
                                       "1-2-3",
                                       "1-2-3-4-5",
                                       "01-2-3-4",
                                       "1-2-3-00",
                                       "256-1-1-1",
                                       "1-2-3-1000",
                                       "1-2-3-",
                                       "-1-2-3-4",
                                       "1-2-3-4-",
                                       "1-2-3-a",
                                       "4294967297-1-1-1",
                                       "1.2.3.4",
                                       "1--2--3",
                                       "1---2",
                                       "---1",
                                       "1---",
                                       "-1--2",
                                       "1--2-",
                                       "1-2-3-4-5-6-7",
                                       "1-2-3-4-5-6-7-8-9",
                                       "1-2-3-4-5-6-7-8--",
                                       "--1-2-3-4-5-6-7-8",
                                       "1-2-3-4--5-6-7-8",
                                       "12345--1",
                                       "00001--",
                                       "g--1",
                                       "2001-DB8--1",
                                       "fe80--1%eth0",
                                       "0--ffff-1.2.3.4",
                                       "::1",
                                       "1-2-3-4 "}) {
    CAPTURE(label);
    CHECK(address_text(label).empty());
  }
}

TEST_CASE("ipsubdomain: what it answers before a zone") {
  auto chain = with_zone("libp2p.direct {\n ipsubdomain\n}\n");
  const auto address = [](const std::string& owner, const std::string& data) {
    return "NOERROR aa\n" + owner + " 604800 IN " + data + "\n";
  };
  const struct {
    std::string query, answer;
  } cases[] = {
      {"203-0-113-1.$ed.libp2p.direct. A", address("203-0-113-1.$ed.libp2p.direct.", "A 203.0.113.1")},
      {"203-0-113-1.$secp.libp2p.direct. A", address("203-0-113-1.$secp.libp2p.direct.", "A 203.0.113.1")},
      {"10-0-0-1.$hash36.libp2p.direct. A", address("10-0-0-1.$hash36.libp2p.direct.", "A 10.0.0.1")},
      {"10-0-0-1.$hash32.libp2p.direct. A", address("10-0-0-1.$hash32.libp2p.direct.", "A 10.0.0.1")},
      {"2001-db8--1.$ed.libp2p.direct. AAAA", address("2001-db8--1.$ed.libp2p.direct.", "AAAA 2001:db8::1")},
      {"0--1.$ed.libp2p.direct. AAAA do", address("0--1.$ed.libp2p.direct.", "AAAA ::1")},
      {"2001-DB8--1.K51QZI5UQU5DIUCI8BVA7NARZO109JUVLFBCKHZF3J2LJUA2979B21RS6UYQUK.LibP2P.Direct. AAAA",
       address("2001-DB8--1.K51QZI5UQU5DIUCI8BVA7NARZO109JUVLFBCKHZF3J2LJUA2979B21RS6UYQUK.LibP2P.Direct.",
               "AAAA 2001:db8::1")},
      // There, but without such records.
      {"$ed.libp2p.direct. A", kNoData},
      {"$ed.libp2p.direct. CAA", kNoData},
      {"$ed.libp2p.direct. DS do", kNoData},
      {"$ed.libp2p.direct. SOA", kNoData},
      {"$ed.LIBP2P.direct. NS", kNoData},
      {"203-0-113-1.$ed.libp2p.direct. AAAA", kNoData},
      {"203-0-113-1.$ed.libp2p.direct. TXT", kNoData},
      {"203-0-113-1.$ed.libp2p.direct. ANY", kNoData},
      {"2001-db8--1.$ed.libp2p.direct. A", kNoData},
      {"foo.$ed.libp2p.direct. A", kNoData},
      {"*.$ed.libp2p.direct. A", kNoData},
      {"_acme-challenge.$ed.libp2p.direct. A", kNoData},
      {"_acme-challenge.$ed.libp2p.direct. TXT", kNoData},
      {"a.b.$ed.libp2p.direct. A", kNoData},
      {"203-0-113-1.203-0-113-1.$ed.libp2p.direct. A", kNoData},
      {"_4002._https.203-0-113-1.$ed.libp2p.direct. HTTPS", kNoData},
      {"note.$ed.libp2p.direct. TXT", kNoData},
      // The zone's.
      {"notapeer.libp2p.direct. A", kNxDomain},
      {"203-0-113-1.notapeer.libp2p.direct. A", kNxDomain},
      {"203-0-113-1.libp2p.direct. A", kNxDomain},
      {"203-0-113-1.$ed.x.libp2p.direct. A", kNxDomain},
      {"$ed0.libp2p.direct. A", kNxDomain},
      {"libp2p.direct. A", kNoData},
      {"static.libp2p.direct. TXT", "NOERROR aa\nstatic.libp2p.direct. 3600 IN TXT \"static\"\n"},
  };
  for (const auto& [query, answer] : cases) {
    CAPTURE(query);
    CHECK(chain.ask(full(query)) == full(answer));
  }
  CHECK(ask(chain, "203-0-113-1.$ed.libp2p.direct. A").starts_with("NOERROR"));
  CHECK(chain.response().answer[0].owner.data() == chain.query().qname.data());
}

TEST_CASE("ipsubdomain: it leaves other classes alone") {
  const auto say = [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; };
  PluginHarness chain(kPlugins, "libp2p.direct {\n ipsubdomain\n}\n", say);
  CHECK(ask(chain, "203-0-113-1.$ed.libp2p.direct. A CH") == "drop");
  CHECK(ask(chain, "203-0-113-1.$ed.libp2p.direct. A").starts_with("NOERROR"));
}

TEST_CASE("ipsubdomain: where the SOA record comes from") {
  const std::string_view corefile = "libp2p.direct {\n ipsubdomain\n}\n";
  const std::string query = "$ed.libp2p.direct. TXT";
  SECTION("nobody is behind") {
    PluginHarness chain(kPlugins, corefile);
    CHECK(ask(chain, query) == kMadeUp);
    CHECK(ask(chain, "libp2p.direct. SOA") == "REFUSED\n");
  }
  SECTION("the zone behind is above, or below") {
    for (const char* const apex : {"direct", "x.libp2p.direct"}) {
      PluginHarness chain(kPlugins, corefile, tests::zone_rest("@ 60 SOA . . 1 2 3 4 5\n@ 60 NS ns.example.\n", apex));
      CHECK(ask(chain, query) == kMadeUp);
    }
  }
  SECTION("its TTL is below its minimum, its name in mixed case") {
    PluginHarness chain(kPlugins, corefile,
                        tests::zone_rest("@ 60 SOA ns.Example. . 1 2 3 4 500\n@ 60 NS ns.Example.\n", "libp2p.direct"));
    CHECK(ask(chain, query) == "NOERROR aa\n-- authority\nlibp2p.direct. 60 IN SOA ns.Example. . 1 2 3 4 500\n");
  }
  SECTION("it has signatures") {
    const std::string sig = " SOA 13 2 3600 20300101000000 20250101000000 1 libp2p.direct. c2lnbmF0dXJl";
    const std::string zone = std::string(kZone) + "@ 7200 RRSIG" + sig + "\n";
    PluginHarness chain(kPlugins, corefile, tests::zone_rest(zone, "libp2p.direct"));
    CHECK(ask(chain, query) == kNoData);
    CHECK(ask(chain, query + " do") == kNoData + "libp2p.direct. 600 IN RRSIG" + sig + "\n");
  }
  SECTION("the plugins behind fail, drop, or say something else") {
    PluginHarness failing(kPlugins, corefile,
                          [](const Query&, Response&) -> Result<Outcome> { return fail("broken"); });
    CHECK(ask(failing, query) == "error: broken");
    PluginHarness dropping(kPlugins, corefile,
                           [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; });
    CHECK(ask(dropping, query) == "drop");
    PluginHarness odd(kPlugins, corefile, [](const Query& q, Response& response) -> Result<Outcome> {
      response.rcode = dns::Rcode::noerror;
      response.answer.push_back({.owner = q.qname, .type = dns::Type::soa, .rdata = q.qname.bytes()});  // too short
      response.authority = response.additional = response.answer;
      return Outcome::send;
    });
    CHECK(ask(odd, query) == kMadeUp);
  }
  SECTION("the answer points into the question") {
    PluginHarness chain(kPlugins, corefile, [](const Query& q, Response& response) -> Result<Outcome> {
      response.rcode = dns::Rcode::noerror;
      response.answer.push_back(
          {.owner = q.key, .type = dns::Type::soa, .ttl = 9, .rdata = response.arena.allocate(22)});
      std::fill_n(const_cast<std::uint8_t*>(response.answer[0].rdata.data()), 22, 0);
      return Outcome::send;
    });
    CHECK(ask(chain, query) == "NOERROR aa\n-- authority\nlibp2p.direct. 0 IN SOA . . 0 0 0 0 0\n");
  }
}

TEST_CASE("ipsubdomain: fallthrough") {
  const std::string note = full("NOERROR aa\nnote.$ed.libp2p.direct. 3600 IN TXT \"note\"\n");
  SECTION("for all names") {
    auto chain = with_zone("libp2p.direct {\n ipsubdomain {\n  fallthrough\n }\n}\n");
    CHECK(ask(chain, "note.$ed.libp2p.direct. TXT") == note);
    CHECK(ask(chain, "note.$ed.libp2p.direct. A") == kNoData);
    CHECK(ask(chain, "away.$ed.libp2p.direct. A") ==
          full("NXDOMAIN aa\naway.$ed.libp2p.direct. 3600 IN CNAME nowhere.libp2p.direct.\n") + kNoData.substr(11));
    CHECK(ask(chain, "foo.$ed.libp2p.direct. TXT") == kNoData);
    CHECK(ask(chain, "foo.$ed.libp2p.direct. TXT do") == kNoData);
    CHECK(ask(chain, "$secp.libp2p.direct. TXT") == kNoData);
    CHECK(ask(chain, "203-0-113-1.$ed.libp2p.direct. A") ==
          full("NOERROR aa\n203-0-113-1.$ed.libp2p.direct. 604800 IN A 203.0.113.1\n"));
    CHECK(ask(chain, "notapeer.libp2p.direct. A") == kNxDomain);
  }
  SECTION("for some names") {
    auto chain =
        with_zone(full("libp2p.direct {\n ipsubdomain {\n  fallthrough x.test NOTE.$ed.libp2p.direct\n }\n}\n"));
    CHECK(ask(chain, "note.$ed.libp2p.direct. TXT") == note);
    CHECK(ask(chain, "away.$ed.libp2p.direct. A") == kNoData);
  }
  SECTION("nobody is behind") {
    PluginHarness chain(kPlugins, "libp2p.direct {\n ipsubdomain {\n  fallthrough\n }\n}\n");
    CHECK(ask(chain, "foo.$ed.libp2p.direct. TXT") == kMadeUp);
  }
  SECTION("the plugins behind fail or drop") {
    const std::string_view corefile = "libp2p.direct {\n ipsubdomain {\n  fallthrough\n }\n}\n";
    PluginHarness failing(kPlugins, corefile,
                          [](const Query&, Response&) -> Result<Outcome> { return fail("broken"); });
    CHECK(ask(failing, "foo.$ed.libp2p.direct. TXT") == "error: broken");
    PluginHarness dropping(kPlugins, corefile,
                           [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; });
    CHECK(ask(dropping, "foo.$ed.libp2p.direct. TXT") == "drop");
  }
}

TEST_CASE("ipsubdomain: an address that is denied is NODATA, whatever fallthrough says") {
  auto chain = with_zone("libp2p.direct {\n ipsubdomain {\n  fallthrough\n }\n}\n");
  const auto& snapshots = chain.configuration().snapshots;
  REQUIRE(snapshots.contains("denylist libp2p.direct."));
  const std::vector<Prefix> denied = {*Prefix::parse("203.0.113.0/24"), *Prefix::parse("2001:db8::/32")};
  const std::vector<Prefix> allowed = {*Prefix::parse("203.0.113.7")};
  const std::vector<denylist::Source> lists = {{"bad", denylist::Type::deny, denied},
                                               {"good", denylist::Type::allow, allowed}};
  const denylist::ImageBuilder builder(lists, 1);
  auto image = *shm::Segment::create("test", builder.size());
  builder.write(image.writable_bytes());
  snapshots.at("denylist libp2p.direct.")->replace(std::move(image));
  CHECK(ask(chain, "203-0-113-1.$ed.libp2p.direct. A") == kNoData);
  CHECK(ask(chain, "2001-db8--1.$ed.libp2p.direct. AAAA") == kNoData);
  CHECK(ask(chain, "0--ffff-cb00-7101.$ed.libp2p.direct. AAAA") == kNoData);  // 203.0.113.1
  // The same within 6to4, NAT64 and Teredo; then one that is allowed, and one of which no list says anything.
  for (const std::string label : {"2002-cb00-7101--1", "64-ff9b--cb00-7101", "2001-0-4136-e378-8000-63bf-34ff-8efe"}) {
    CHECK(ask(chain, label + ".$ed.libp2p.direct. AAAA") == kNoData);
  }
  for (const std::string label : {"2002-cb00-7107--1", "2002-cb00-7201--1"}) {
    CHECK(ask(chain, label + ".$ed.libp2p.direct. AAAA").starts_with("NOERROR aa\n" + label));
  }
  for (const std::string label : {"203-0-113-7", "203-0-114-1"}) {
    CHECK(ask(chain, label + ".$ed.libp2p.direct. A").starts_with("NOERROR aa\n" + label));
  }
  CHECK(ask(chain, "2001-db9--1.$ed.libp2p.direct. AAAA").starts_with("NOERROR aa\n2001-db9--1"));
  CHECK(ask(chain, "note.$ed.libp2p.direct. TXT").starts_with("NOERROR aa\nnote"));
}

TEST_CASE("ipsubdomain: several zones, the longest counts") {
  PluginHarness chain(
      kPlugins, ". {\n ipsubdomain b.test a.b.test {\n  ttl 60\n }\n ipsubdomain Libp2p.Direct {\n  ttl 1h\n }\n}\n");
  const auto answers = [&](const std::string& name) { return ask(chain, "203-0-113-1.$ed." + name + " A"); };
  const auto address = [](const std::string& name, const char* ttl) {
    return full("NOERROR aa\n203-0-113-1.$ed." + name + " " + ttl + " IN A 203.0.113.1\n");
  };
  CHECK(answers("libp2p.direct.") == address("libp2p.direct.", "3600"));
  CHECK(answers("b.test.") == address("b.test.", "60"));
  CHECK(answers("a.b.test.") == address("a.b.test.", "60"));
  CHECK(answers("c.b.test.") == "REFUSED\n");
  CHECK(answers("test.") == "REFUSED\n");
  CHECK(answers("xb.test.") == "REFUSED\n");
  CHECK(ask(chain, "a.b.test. A") == "REFUSED\n");
  CHECK(ask(chain, ". A") == "REFUSED\n");
}

TEST_CASE("ipsubdomain: the root as its zone") {
  PluginHarness chain(kPlugins, ". {\n ipsubdomain {\n  ttl 0\n }\n}\n");
  CHECK(ask(chain, "203-0-113-1.$ed. A") == full("NOERROR aa\n203-0-113-1.$ed. 0 IN A 203.0.113.1\n"));
  CHECK(ask(chain, "$ed. A") == "NOERROR aa\n-- authority\n. 86400 IN SOA ns. hostmaster. 1 86400 2400 604800 86400\n");
  CHECK(ask(chain, ". A") == "REFUSED\n");
}

TEST_CASE("ipsubdomain: Corefiles that are accepted") {
  for (const char* const corefile : {
           "libp2p.direct {\n ipsubdomain\n}\n",
           "libp2p.direct:53 libp2p.direct:5353 {\n ipsubdomain\n}\n",
           "direct {\n ipsubdomain libp2p.direct LIBP2P.direct.\n}\n",
           "a.test b.test {\n ipsubdomain a.test\n ipsubdomain b.test {\n  ttl 2147483647\n }\n}\n",
           "libp2p.direct {\n ipsubdomain {\n  ttl 168h\n  fallthrough\n }\n}\n",
           "libp2p.direct {\n ipsubdomain libp2p.direct {\n  fallthrough a.test b.test\n  ttl 1h30m\n }\n}\n",
       }) {
    CAPTURE(corefile);
    CHECK(setup_error(corefile).empty());
  }
}

TEST_CASE("ipsubdomain: Corefiles that are refused") {
  const struct {
    std::string_view block, error;
  } cases[] = {
      {"ipsubdomain {\n  tll 5\n}", "Corefile:3: ipsubdomain: unknown property 'tll'; did you mean 'ttl'?"},
      {"ipsubdomain {\n  ttl\n}", "Corefile:3: ipsubdomain: expected seconds or a duration after 'ttl'"},
      {"ipsubdomain {\n  ttl 5 6\n}", "Corefile:3: ipsubdomain: ttl: unexpected '6'; expected the end of the line"},
      {"ipsubdomain {\n  ttl -5\n}",
       "Corefile:3: ipsubdomain: ttl: '-5' is not 0 to 2147483647 seconds; expected a number, or a duration of whole "
       "seconds such as 1h"},
      {"ipsubdomain {\n  ttl soon\n}",
       "Corefile:3: ipsubdomain: ttl: 'soon' is not 0 to 2147483647 seconds; expected a number, or a duration of whole "
       "seconds such as 1h"},
      {"ipsubdomain {\n  ttl 1500ms\n}",
       "Corefile:3: ipsubdomain: ttl: '1500ms' is not 0 to 2147483647 seconds; expected a number, or a duration of "
       "whole seconds such as 1h"},
      {"ipsubdomain {\n  ttl 2147483648\n}",
       "Corefile:3: ipsubdomain: ttl: '2147483648' is not 0 to 2147483647 seconds; expected a number, or a duration of "
       "whole seconds such as 1h"},
      {"ipsubdomain {\n  ttl 700000h\n}",
       "Corefile:3: ipsubdomain: ttl: '700000h' is not 0 to 2147483647 seconds; expected a number, or a duration of "
       "whole seconds such as 1h"},
      {"ipsubdomain {\n  fallthrough a..b\n}",
       "Corefile:3: ipsubdomain: fallthrough: 'a..b' is not a valid zone: it has an empty label"},
      {"ipsubdomain a..b", "Corefile:2: ipsubdomain: 'a..b' is not a valid zone: it has an empty label"},
      {"ipsubdomain example.org",
       "Corefile:2: ipsubdomain: zone example.org. is not in the zones of this server block"},
      {"ipsubdomain direct", "Corefile:2: ipsubdomain: zone direct. is not in the zones of this server block"},
      {"ipsubdomain\nipsubdomain", "Corefile:3: ipsubdomain: zone libp2p.direct. has an ipsubdomain already"},
      {"ipsubdomain a.libp2p.direct b.libp2p.direct\nipsubdomain B.libp2p.direct",
       "Corefile:3: ipsubdomain: zone b.libp2p.direct. has an ipsubdomain already"},
  };
  for (const auto& [block, error] : cases) {
    CHECK(setup_error(fmt::format("libp2p.direct {{\n{}\n}}\n", block)) == error);
  }
}
