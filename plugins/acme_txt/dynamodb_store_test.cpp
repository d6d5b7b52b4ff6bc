// `store dynamodb`: what a Corefile may say, and what is remembered. With a real table: tests/e2e/dynamodb_test.cpp.
#include "plugins/acme_txt/dynamodb_store.h"

#include <array>

#include <fmt/format.h>

#include "core/libp2p/peer_id.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::acme_txt;
using tests::PluginHarness;

namespace {

std::int64_t boot = 1'000'000;
std::int64_t fake_boot() { return boot; }
std::int64_t fake_wall() { return 1'800'000'000'000; }

constexpr std::array kPlugins = {PluginType{"acme-txt", [](Controller& controller) {
                                              return setup_with(controller, {.wall = &fake_wall, .boot = &fake_boot});
                                            }}};

std::string setup_error(std::string_view store) {
  return PluginHarness::setup_error(kPlugins, fmt::format("a.test {{\nacme-txt {{\n{}\n}}\n}}\n", store));
}

}  // namespace

TEST_CASE("dynamodb store: setup accepts") {
  for (const char* const store :
       {"store dynamodb the_Table.1-x", "store dynamodb abc {\n region eu-central-1\n}",
        "store dynamodb abc {\n endpoint http://127.0.0.1:8000\n credentials /etc/swage/aws\n}",
        "ttl 5\nstore dynamodb abc {\n endpoint https://dynamodb.example.org/\n}\nlifetime 2h"}) {
    INFO(store);
    CHECK(setup_error(store) == "");
  }
}

TEST_CASE("dynamodb store: setup rejects, and says where and why") {
  const struct {
    std::string_view store, error;
  } cases[] = {
      {"store dynamodb", "3: acme-txt: store: expected a table after 'dynamodb'"},
      {"store dynamodb ab", "3: acme-txt: store: 'ab' is not a valid name of a DynamoDB table"},
      {"store dynamodb a/bc", "3: acme-txt: store: 'a/bc' is not a valid name of a DynamoDB table"},
      {"store dynamodb abc capacity 5", "3: acme-txt: store: unexpected 'capacity'; expected the end of the line"},
      {"store dynamodb abc {\n region\n}", "4: acme-txt: expected a region, as eu-central-1 after 'region'"},
      {"store dynamodb abc {\n region Frankfurt\n}",
       "4: acme-txt: region: 'Frankfurt' is not a valid region; expected one as eu-central-1"},
      {"store dynamodb abc {\n endpoint dynamodb.example.org\n}",
       "4: acme-txt: endpoint: 'dynamodb.example.org' is not a valid endpoint; expected https://HOST[:PORT] or "
       "http://HOST[:PORT]"},
      {"store dynamodb abc {\n endpoint http://user:secret@host\n}",
       "4: acme-txt: endpoint: 'http://user:secret@host' is not a valid endpoint; expected https://HOST[:PORT] or "
       "http://HOST[:PORT]"},
      {"store dynamodb abc {\n endpoint http://host/path\n}",
       "4: acme-txt: endpoint: 'http://host/path' is not a valid endpoint; expected https://HOST[:PORT] or "
       "http://HOST[:PORT]"},
      {"store dynamodb abc {\n credentials\n}", "4: acme-txt: expected a file of credentials after 'credentials'"},
      {"store dynamodb abc {\n secret x\n}",
       "4: acme-txt: unknown property 'secret'; expected region, endpoint, credentials"},
  };
  for (const auto& [store, error] : cases) {
    INFO(store);
    CHECK(setup_error(store) == "Corefile:" + std::string(error));
  }
}

TEST_CASE("dynamodb store: what the table said is answered for two seconds, also that there is nothing") {
  const std::string peer = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk";
  const std::string name = "_acme-challenge." + peer + ".a.test.";
  const libp2p::PeerId id = *libp2p::PeerId::from_label(as_bytes(peer));
  setenv("AWS_ACCESS_KEY_ID", "a", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
  PluginHarness harness(kPlugins, "a.test {\nacme-txt {\nstore dynamodb abc {\nregion eu-central-1\n}\n}\n}\n");
  REQUIRE(harness.prepare() == "");
  auto& memory = *harness.configuration().shared.at(forge::ChallengeStore::name("a.test."));
  auto& table = static_cast<forge::ChallengeWriter*>(memory.companion())->table;
  const std::string later = "later: " + std::string(as_text(id.multihash()));
  CHECK(harness.ask(name + " TXT") == later);
  CHECK(harness.ask(name + " A").starts_with("NOERROR aa\n-- authority\n"));
  REQUIRE(remember(table, id.multihash(), "value", boot - 500, boot));
  CHECK(harness.ask(name + " TXT") == "NOERROR aa\n" + name + " 10 IN TXT \"value\"\n");
  boot += 1499;
  CHECK(harness.ask(name + " TXT") == "NOERROR aa\n" + name + " 10 IN TXT \"value\"\n");
  boot += 1;
  CHECK(harness.ask(name + " TXT") == later);
  REQUIRE(remember(table, id.multihash(), std::nullopt, boot, boot));
  CHECK(harness.ask(name + " TXT") == "NOERROR aa\n" + name + " 10 IN TXT \"not set yet\"\n");
  REQUIRE(remember(table, id.multihash(), "newer", boot, boot));
  CHECK(harness.ask(name + " TXT") == "NOERROR aa\n" + name + " 10 IN TXT \"newer\"\n");
  boot += 2000;
  CHECK(harness.ask(name + " TXT") == later);
  CHECK_FALSE(remember(table, id.multihash(), std::string(48, 'x'), boot, boot));
  CHECK_FALSE(remember(table, id.multihash(), "", boot, boot));
}
