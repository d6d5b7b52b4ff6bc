#include <array>

#include "core/denylist/builder.h"
#include "core/denylist/denylist.h"
#include "core/forge/challenge_store.h"
#include "core/libp2p/peer_id.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::peerinfo {

Result<> setup(Controller& controller);

namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"peerinfo", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

using swage::denylist::ImageBuilder, swage::denylist::Source;

constexpr std::string_view kPeer = "k51qzi5uqu5dkkciu33khkzbcmxtyhn376i1e83tya8kuy7z9euedzyr5nhoew";

// As acme-txt makes it, with two challenges of the peer.
shm::Segment store_with_two() {
  auto memory = shm::Segment::create("challenges", shm::TableWriter::bytes_needed(8));
  shm::TableWriter::format(memory->writable_bytes(), 8, {});
  const auto peer = libp2p::PeerId::from_label(as_bytes(kPeer));
  shm::TableWriter writer(memory->writable_bytes());
  CHECK(writer.put(peer->multihash(), "one", 4'000'000'000'000, 0).has_value());
  CHECK(writer.put(peer->multihash(), "two", 4'000'000'000'000, 0).has_value());
  return std::move(*memory);
}

TEST_CASE("peerinfo: setup") {
  CHECK(setup_error(". {\n peerinfo\n}") == "");
  CHECK(setup_error(". {\n peerinfo a\n}") == "Corefile:2: peerinfo: unexpected 'a'; expected the end of the line");
}

TEST_CASE("peerinfo: says how many challenges a peer has") {
  PluginHarness harness(kPlugins, "libp2p.direct {\n peerinfo\n}");
  const std::string name = std::string(kPeer) + ".libp2p.direct.";
  CHECK(harness.ask(name + " TXT") == "NOERROR aa\n" + name + " 0 IN TXT \"0\"\n");  // there is no store, yet
  auto& shared = *harness.configuration().shared.at(forge::ChallengeStore::name("libp2p.direct."));
  REQUIRE(shared.provide(store_with_two()).has_value());
  CHECK(harness.ask(name + " TXT") == "NOERROR aa\n" + name + " 0 IN TXT \"2\"\n");
  CHECK(harness.ask(name + " A") == "REFUSED\n");
  CHECK(harness.ask("www.libp2p.direct. TXT") == "REFUSED\n");
}

TEST_CASE("peerinfo: clients on the denylist are refused") {
  PluginHarness harness(kPlugins, "libp2p.direct {\n peerinfo\n}");
  const std::vector<Prefix> denied = {*Prefix::parse("192.0.2.0/24")};
  const std::vector<Source> lists = {{"bad", swage::denylist::Type::deny, denied}};
  const ImageBuilder builder(lists, 1);
  auto image = shm::Segment::create("denylist", builder.size());
  builder.write(image->writable_bytes());
  const auto& snapshots = harness.configuration().snapshots;
  REQUIRE(snapshots.at(swage::denylist::Denylist::name("libp2p.direct."))->publish(std::move(*image)).has_value());
  CHECK(harness.ask(std::string(kPeer) + ".libp2p.direct. TXT") == "REFUSED\n");
  harness.arrival.client.address = *IpAddress::parse("198.51.100.1");
  CHECK(harness.ask(std::string(kPeer) + ".libp2p.direct. TXT").starts_with("NOERROR"));
}

}  // namespace
}  // namespace swage::plugins::peerinfo
