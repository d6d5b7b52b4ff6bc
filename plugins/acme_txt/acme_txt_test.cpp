#include "plugins/acme_txt/acme_txt.h"

#include <array>

#include <fmt/format.h>

#include "core/async/tls_testing.h"
#include "core/libp2p/peer_id.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>

using namespace swage;
using tests::PluginHarness;

namespace {

std::int64_t now = 1'800'000'000'000;
std::int64_t fake_clock() { return now; }
std::int64_t booted = 1000;
std::int64_t fake_boot_clock() { return booted; }

constexpr std::array kPlugins = {PluginType{"acme-txt", [](Controller& controller) {
                                              return plugins::acme_txt::setup_with(controller,
                                                                                   {&fake_clock, &fake_boot_clock});
                                            }}};

// One peer in two encodings, and another.
constexpr std::string_view kHash36 = "k2k4r8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj";
constexpr std::string_view kHash32 = "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm";
constexpr std::string_view kEd = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk";
const std::string kDigest = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

constexpr std::string_view kZone =
    "$TTL 3600\n@ 7200 SOA ns hostmaster 2025010101 86400 2400 604800 600\n@ NS ns\nns A 192.0.2.1\n"
    "_acme-challenge.static TXT static\n";

std::string name(std::string_view peer) { return fmt::format("_acme-challenge.{}.libp2p.direct.", peer); }

std::string txt(std::string_view peer, std::initializer_list<std::string> texts, int ttl = 10) {
  std::string answer = "NOERROR aa\n";
  for (const std::string& text : texts) answer += fmt::format("{} {} IN TXT \"{}\"\n", name(peer), ttl, text);
  return answer;
}

const std::string kNoData =
    "NOERROR aa\n-- authority\nlibp2p.direct. 600 IN SOA ns.libp2p.direct. hostmaster.libp2p.direct. "
    "2025010101 86400 2400 604800 600\n";

struct Forge {
  explicit Forge(std::string_view directive = "acme-txt\n")
      : chain(kPlugins, fmt::format("libp2p.direct {{\n{}}}\n", directive), tests::zone_rest(kZone, "libp2p.direct")),
        store(*chain.configuration().shared.at(forge::ChallengeStore::name("libp2p.direct."))) {
    REQUIRE(chain.prepare() == "");
  }
  void put(std::string_view label, std::string_view value) {
    const auto peer = *libp2p::PeerId::from_label(as_bytes(label));
    REQUIRE(store.put_in_memory(peer.multihash(), value, shm::NetworkId{}, now));
  }
  std::string ask(std::string_view peer, std::string_view type = "TXT") {
    return chain.ask(fmt::format("{} {}", name(peer), type));
  }

  PluginHarness chain;
  forge::ChallengeStore store;
};

std::string setup_error(std::string_view directive) {
  return PluginHarness::setup_error(kPlugins, fmt::format("libp2p.direct {{\n{}}}\n", directive));
}

}  // namespace

TEST_CASE("acme-txt: setup accepts") {
  for (const char* const directive :
       {"acme-txt\n", "acme-txt libp2p.direct\n", "acme-txt sub.libp2p.direct LIBP2P.direct\n",
        "acme-txt {\n store memory\n}\n", "acme-txt {\n store memory capacity 5\n}\n",
        "acme-txt {\n store memory /somewhere/file capacity 1000000\n ttl 1m\n lifetime 24h\n placeholder off\n}\n",
        "acme-txt {\n store memory file\n placeholder \"be patient\"\n}\n",
        "acme-txt {\n store etcd http://127.0.0.1:2379\n}\n",
        "acme-txt {\n store etcd https://a.example:2379 https://[::1]:2379/ {\n  prefix /a/b\n  server-id ns1\n"
        "  credentials swage /etc/password\n  tls cert key ca\n  capacity 7\n }\n lifetime 2h\n}\n",
        "acme-txt {\n store etcd https://a {\n  tls ca\n }\n}\n",
        "acme-txt {\n store etcd https://a {\n  tls cert key\n }\n}\n"}) {
    INFO(directive);
    CHECK(setup_error(directive).empty());
  }
}

TEST_CASE("acme-txt: setup rejects, and says where and why") {
  const struct {
    std::string_view directive, error;
  } cases[] = {
      {"acme-txt example.org\n", "Corefile:2: acme-txt: zone example.org. is not in the zones of this server block"},
      {"acme-txt\nacme-txt\n", "Corefile:3: acme-txt: stands twice in a server block"},
      {"acme-txt {\n store\n}\n", "Corefile:3: acme-txt: expected 'memory', 'etcd' or 'dynamodb' after 'store'"},
      {"acme-txt {\n store redis\n}\n",
       "Corefile:3: acme-txt: store: expected 'memory', 'etcd' or 'dynamodb', not 'redis'"},
      {"acme-txt {\n store etcd\n}\n", "Corefile:3: acme-txt: store: expected the URL of an etcd"},
      {"acme-txt {\n store etcd 10.0.0.1:2379\n}\n",
       "Corefile:3: acme-txt: store: '10.0.0.1:2379' is not the URL of an etcd; expected one such as "
       "https://10.0.0.1:2379"},
      {"acme-txt {\n store etcd http://a/b\n}\n", "Corefile:3: acme-txt: store: 'http://a/b' is not the URL"},
      {"acme-txt {\n store etcd http://a {\n  prefix swage\n }\n}\n",
       "Corefile:4: acme-txt: prefix: 'swage' is not a valid prefix"},
      {"acme-txt {\n store etcd http://a {\n  server-id a/b\n }\n}\n",
       "Corefile:4: acme-txt: server-id: 'a/b' is not a valid name"},
      {"acme-txt {\n store etcd http://a {\n  credentials me\n }\n}\n", "Corefile:4: acme-txt: "},
      {"acme-txt {\n store etcd http://a {\n  tls a b c d\n }\n}\n", "Corefile:4: acme-txt: "},
      {"acme-txt {\n store etcd http://a {\n  capacity 0\n }\n}\n", "Corefile:4: acme-txt: capacity: "},
      {"acme-txt {\n store etcd http://a {\n  prefx /a\n }\n}\n", "Corefile:4: acme-txt: unknown property 'prefx'"},
      {"acme-txt {\n store memory a b\n}\n", "Corefile:3: acme-txt: store: expected 'capacity', not 'b'"},
      {"acme-txt {\n store memory capacity 0\n}\n", "Corefile:3: acme-txt: store: "},
      {"acme-txt {\n store memory capacity 5 x\n}\n", "Corefile:3: "},
      {"acme-txt {\n ttl 1500ms\n}\n",
       "Corefile:3: acme-txt: ttl: '1500ms' is not 0 to 2147483647 seconds; expected a number, or a duration of whole "
       "seconds such as 1h"},
      {"acme-txt {\n ttl soon\n}\n", "Corefile:3: acme-txt: ttl: "},
      {"acme-txt {\n lifetime 0s\n}\n",
       "Corefile:3: acme-txt: lifetime: '0s' is not 1 to 31622400 seconds; expected a number, or a duration of whole "
       "seconds such as 1h"},
      {"acme-txt {\n placeholder\n}\n", "Corefile:3: "},
      {"acme-txt {\n liftime 1h\n}\n", "Corefile:3: acme-txt: unknown property 'liftime'"},
  };
  for (const auto& each : cases) {
    INFO(each.directive);
    CHECK_THAT(setup_error(each.directive), Catch::StartsWith(std::string(each.error)));
  }
  const std::string long_text(256, 'x');
  CHECK(setup_error("acme-txt {\n placeholder " + long_text + "\n}\n") ==
        "Corefile:3: acme-txt: placeholder: longer than 255 bytes");
}

TEST_CASE("acme-txt: live values, newest first, to all encodings of a peer") {
  Forge forge;
  forge.put(kHash36, kDigest);
  CHECK(forge.ask(kHash36) == txt(kHash36, {kDigest}));
  CHECK(forge.ask(kHash32) == txt(kHash32, {kDigest}));
  forge.put(kHash32, "second");
  CHECK(forge.ask(kHash36) == txt(kHash36, {"second", kDigest}));
  CHECK(forge.ask(kEd) == txt(kEd, {"not set yet"}));
  now += 3'599'999;
  CHECK(forge.ask(kHash36) == txt(kHash36, {"second", kDigest}));
  now += 1;
  CHECK(forge.ask(kHash36) == txt(kHash36, {"not set yet"}));
}

TEST_CASE("acme-txt: the question's spelling is kept, and does not matter") {
  Forge forge;
  forge.put(kHash36, "value");
  CHECK(
      forge.chain.ask("_ACME-Challenge.K2K4R8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj.libP2P.direct. TXT") ==
      "NOERROR aa\n_ACME-Challenge.K2K4R8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj.libP2P.direct. "
      "10 IN TXT \"value\"\n");
}

TEST_CASE("acme-txt: other types have no data; other names are the next plugin's") {
  Forge forge;
  forge.put(kEd, "value");
  for (const char* const type : {"A", "AAAA", "CNAME", "CAA", "NS", "SOA", "ANY", "HTTPS", "TYPE65280"}) {
    INFO(type);
    CHECK(forge.ask(kEd, type) == kNoData);
  }
  const std::string nxdomain = "NXDOMAIN" + kNoData.substr(7);
  CHECK(forge.chain.ask(fmt::format("{}.libp2p.direct. TXT", kEd)) == nxdomain);
  CHECK(forge.chain.ask(fmt::format("x.{} TXT", name(kEd))) == nxdomain);
  CHECK(forge.chain.ask(fmt::format("_acme-challengex.{}.libp2p.direct. TXT", kEd)) == nxdomain);
  CHECK(forge.chain.ask(fmt::format("_acme-challenge.{}.sub.libp2p.direct. TXT", kEd)) == nxdomain);
  CHECK(forge.ask("notapeer") == nxdomain);
  CHECK(forge.ask("static") == txt("static", {"static"}, 3600));
  CHECK(forge.chain.ask("_acme-challenge.libp2p.direct. TXT") == nxdomain);
  CHECK(forge.chain.ask("libp2p.direct. NS") ==
        "NOERROR aa\nlibp2p.direct. 3600 IN NS ns.libp2p.direct.\n"
        "-- additional\nns.libp2p.direct. 3600 IN A 192.0.2.1 (optional)\n");
}

TEST_CASE("acme-txt: placeholder, ttl and lifetime as configured") {
  Forge forge("acme-txt {\n placeholder off\n ttl 1m\n lifetime 2s\n}\n");
  CHECK(forge.ask(kEd) == kNoData);
  forge.put(kEd, "value");
  CHECK(forge.ask(kEd) == txt(kEd, {"value"}, 60));
  now += 2000;
  CHECK(forge.ask(kEd) == kNoData);
  Forge other("acme-txt {\n placeholder \"be patient\"\n}\n");
  CHECK(other.ask(kEd) == txt(kEd, {"be patient"}));
}

TEST_CASE("acme-txt: eight values fit into one response") {
  Forge forge;
  for (int i = 0; i < 9; ++i) forge.put(kEd, std::to_string(i) + kDigest.substr(1));
  forge.ask(kEd);
  CHECK(forge.chain.response().answer.size() == 8);
  CHECK(forge.chain.response().answer[0].rdata[1] == '8');
}

TEST_CASE("acme-txt: past its fence it knows nothing of values, and everything else") {
  Forge forge;
  forge.put(kHash36, kDigest);
  shm::Shared& memory = *forge.chain.configuration().shared.at(forge::ChallengeStore::name("libp2p.direct."));
  shm::TableWriter(memory.writable_bytes()).set_valid_until(booted + 1);
  CHECK(forge.ask(kHash36) == txt(kHash36, {kDigest}));
  CHECK(forge.ask(kEd) == txt(kEd, {"not set yet"}));
  ++booted;
  CHECK(forge.ask(kHash36) == "SERVFAIL\n");
  CHECK(forge.ask(kEd) == "SERVFAIL\n");
  CHECK(forge.ask(kEd, "A") == kNoData);
  CHECK(forge.ask("static") == txt("static", {"static"}, 3600));
  shm::TableWriter(memory.writable_bytes()).set_valid_until(booted + 1);
  CHECK(forge.ask(kHash36) == txt(kHash36, {kDigest}));
}

TEST_CASE("acme-txt: store etcd: files that make no sense are refused, with their names and the line") {
  const tests::Folder folder;
  const auto ours = async::testing::make_tls_identity("DNS:ns1"), others = async::testing::make_tls_identity("DNS:ns2");
  const std::string certificate = folder.write("cert.pem", ours.certificate_pem);
  const std::string key = folder.write("key.pem", ours.key_pem), other = folder.write("other.pem", others.key_pem);
  const std::string half = folder.write("half.pem", ours.certificate_pem.substr(0, ours.certificate_pem.size() / 2));
  const std::string empty = folder.write("empty", "\n"), none = folder.file("none");
  const auto error = [&](const std::string& lines) {
    return PluginHarness(kPlugins,
                         "libp2p.direct {\nacme-txt {\nstore etcd https://127.0.0.1:1 {\n" + lines + "\n}\n}\n}\n")
        .prepare();
  };
  const std::string where = "Corefile:3: acme-txt: store: ";
  CHECK(error(fmt::format("tls {} {} {}", certificate, key, certificate)) == "");
  CHECK(error(fmt::format("tls {} {}", certificate, other)) ==
        where + certificate + ", " + other + ": the private key is not that of the certificate");
  CHECK_THAT(error(fmt::format("tls {} {}", half, key)),
             Catch::StartsWith(where + half + ", " + key + ": certificate 1: "));
  CHECK(error(fmt::format("tls {} {}", certificate, empty)) ==
        where + certificate + ", " + empty + ": no private key in PEM");
  CHECK_THAT(error("tls " + half), Catch::StartsWith(where + half + ": certificate 1: "));
  CHECK(error("tls " + empty) == where + empty + ": no certificate in PEM");
  CHECK(error("tls " + none) == where + none + ": No such file or directory");
  CHECK(error("credentials swage " + none) == where + none + ": No such file or directory");
  CHECK(error("credentials swage " + empty) == where + empty + ": is empty; expected a password");
}

TEST_CASE("acme-txt: the values of a fleet end by a clock that nobody sets") {
  PluginHarness chain(kPlugins, "libp2p.direct {\nacme-txt {\nstore etcd http://127.0.0.1:1\n}\n}\n",
                      tests::zone_rest(kZone, "libp2p.direct"));
  REQUIRE(chain.prepare() == "");
  shm::Shared& memory = *chain.configuration().shared.at(forge::ChallengeStore::name("libp2p.direct."));
  auto& table = static_cast<forge::ChallengeWriter*>(memory.companion())->table;
  const std::string question = name(kEd) + " TXT";
  CHECK(chain.ask(question) == "SERVFAIL\n");  // not a member yet
  table.set_valid_until(booted + 7'200'000);
  const auto peer = *libp2p::PeerId::from_label(as_bytes(kEd));
  REQUIRE(table.put(peer.multihash(), kDigest, booted + 3'600'000, booted));
  const std::int64_t real = now;
  for (const std::int64_t jump : {0, 7'200'000, -7'200'000}) {
    now = real + jump;
    CHECK(chain.ask(question) == txt(kEd, {kDigest}));
  }
  booted += 3'599'999;
  CHECK(chain.ask(question) == txt(kEd, {kDigest}));
  booted += 1;
  CHECK(chain.ask(question) == txt(kEd, {"not set yet"}));
  now = real;
}

TEST_CASE("acme-txt: without its memory it fails, and the rest of the zone is served") {
  PluginHarness chain(kPlugins, "libp2p.direct {\nacme-txt\n}\n", tests::zone_rest(kZone, "libp2p.direct"));
  CHECK(chain.ask(name(kEd) + " TXT") == "error: the challenge store of libp2p.direct. is not there");
  CHECK(chain.ask(name(kEd) + " A") == kNoData);
}
