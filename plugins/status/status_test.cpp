#include "plugins/status/status.h"

#include <array>

#include "plugins/status/page.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::status {
namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"status", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("status: setup") {
  CHECK(setup_error(". {\n status\n}") == "");
  CHECK(setup_error(". {\n status localhost:8091\n}\na {\n status localhost:8091\n}") == "");
  CHECK(setup_error(". {\n status [::1]:8091 {\n  host a.example b.example\n }\n}") == "");
  CHECK(
      setup_error(". {\n status 192.0.2.1:8090\n}") ==
      "Corefile:2: status: 192.0.2.1:8090: others can reach that, and the page has no password; add the line 'public' "
      "if they may");
  CHECK(setup_error(". {\n status :8090 {\n  public\n }\n}") == "");
  CHECK(setup_error(". {\n status :8090 {\n  pubic\n }\n}") ==
        "Corefile:3: status: unknown property 'pubic'; did you mean 'public'?");
  CHECK(setup_error(". {\n status {\n  host\n }\n}") == "Corefile:3: status: expected the name of a host after 'host'");
  CHECK(setup_error(". {\n status x\n}") == "Corefile:2: status: 'x' is not [ADDRESS]:PORT");
}

TEST_CASE("status: under which hosts the page is shown") {
  const std::vector<std::string> hosts = {"ns.example"};
  for (const char* const host : {"localhost", "LOCALHOST:8090", "127.0.0.1", "127.0.0.1:8090", "[::1]", "[::1]:8090",
                                 "192.0.2.1:80", "ns.example", "NS.example:8090"}) {
    INFO(host);
    CHECK(is_known_host(host, hosts));
  }
  for (const char* const host : {"", ":", ":8090", "rebound.example", "rebound.example:8090", "ns.example.evil",
                                 "127.0.0.1.evil", "localhost:", "localhost:x", "[::1", "[x]", "[]:80", "::1"}) {
    INFO(host);
    CHECK_FALSE(is_known_host(host, hosts));
  }
}

TEST_CASE("status: the nonce is in the page, and nothing of the placeholder is left") {
  const std::string text = page("abc");
  CHECK(text.find("@NONCE@") == std::string::npos);
  CHECK(text.find("<script nonce=\"abc\">") != std::string::npos);
  CHECK(text.find("<style nonce=\"abc\">") != std::string::npos);
}

TEST_CASE("status: what is seen most is kept, however much else there is") {
  Heavy heavy;
  for (int i = 0; i < 20'000; ++i) {
    heavy.add("n" + std::to_string(i));
    if (i % 4 == 0) heavy.add("often");
  }
  const std::vector<Report::Count> first = heavy.first(3);
  REQUIRE(first.size() == 3);
  CHECK(first[0].what == "often");
  CHECK(first[0].count >= 5'000);
  for (int i = 0; i < 40; ++i) heavy.halve();
  CHECK(heavy.first(3).empty());
}

TEST_CASE("status: a sample goes from a dns process to the report; garbage in it harms nobody") {
  PluginHarness harness(kPlugins, "example.org {\n status\n}");
  shm::WorkerMemory& memory = *harness.configuration().worker_memories.at("status traffic");
  auto own = shm::Segment::create("test", memory.size());
  REQUIRE(own);
  memory.begin(0, *std::move(own));
  Traffic traffic(memory);
  traffic.read(1'000'000'000'000);
  harness.arrival.client.address = *IpAddress::parse("2001:db8::7");
  for (int i = 1; i <= 100; ++i) {
    harness.arrival.received = 1'000'000'000 + i * 1'000'000;  // every other one is too early
    static_cast<void>(harness.ask("A.example.org. TXT"));
  }
  traffic.read(1'001'000'000'000);
  const Report::Traffic report = traffic.report();
  CHECK(report.rate > 0);
  REQUIRE(report.names.size() == 1);
  CHECK(report.names[0].what == "a.example.org.");
  CHECK(report.names[0].count == 50);
  CHECK(report.types.at(0).what == "TXT");
  CHECK(report.clients.at(0).what == "2001:db8::7");
  CHECK(report.rcodes.size() == 1);

  auto& piece = *reinterpret_cast<piece::Piece*>(memory.own().data());
  std::uint64_t random = 88172645463325252;
  for (int round = 0; round < 2000; ++round) {
    auto* const words = reinterpret_cast<piece::Word*>(&piece);
    for (int i = 0; i < 50; ++i) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      words[random % (sizeof piece / sizeof(piece::Word))] = random % 3 == 0 ? random % 600 : random;
    }
    for (std::size_t i = 0; i < piece::kSlots; ++i) piece.slots[i].stamp = piece.taken - i;
    traffic.read(1'001'000'000'001 + round);
  }
  CHECK(traffic.report().names.size() <= 10);
}

}  // namespace
}  // namespace swage::plugins::status
