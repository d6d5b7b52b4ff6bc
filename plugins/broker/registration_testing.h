// For the tests of registrations: an Api whose dialler, clocks and store are the test's.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "core/async/testing.h"
#include "core/crypto/testing.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "core/shm/table.h"
#include "plugins/broker/api.h"

namespace swage::plugins::broker::testing {

using crypto::testing::SeededRandom;
using libp2p::PeerIdAuthClient;
using libp2p::PrivateKey;
using Flow = PeerIdAuthClient::Flow;

inline constexpr std::string_view kDomain = "registration.example";
inline const std::string kValue = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
inline const std::string kOther = "V8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0LoqXcY";
inline const std::string kAddress = "/ip4/192.0.2.1/tcp/4001";
inline const std::string kBody = fmt::format(R"({{"value":"{}","addresses":["{}"]}})", kValue, kAddress);

inline std::int64_t wall = 1'800'000'000'000;
inline std::int64_t steady = 5'000;
inline constexpr Clocks kClocks{[] { return wall; }, [] { return steady; }};

// Counts as long as it lives, also in a coroutine that is destroyed.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

// Stands for the dialler: what it was asked, and what it answers.
struct FakeDialer {
  std::optional<dial::DialError> error;
  async::Event* release = nullptr;  // waits for it
  std::int64_t takes = 0;           // milliseconds
  std::vector<std::string> asked;   // "PEER ADDRESS …"
  std::size_t under_way = 0;
  bool has_room = true;
};

inline Reaching reach(FakeDialer& dialer, libp2p::PeerId peer, std::vector<std::string> addresses) {
  const Counted counted(dialer.under_way);
  dialer.asked.push_back(fmt::format("{} {}", peer.to_base58(), fmt::join(addresses, " ")));
  if (dialer.release != nullptr) co_await dialer.release->wait();
  steady += dialer.takes;
  if (dialer.error) co_return std::unexpected(*dialer.error);
  co_return dial::Reached{*libp2p::Multiaddr::parse(kAddress), "tcp", "noise"};
}

inline PrivateKey key_of(std::uint8_t number) { return PrivateKey::from_seed(std::vector<std::uint8_t>(32, number)); }

inline crypto::Secret secret_of(std::uint8_t byte) {
  return crypto::Secret::copy_of(std::vector<std::uint8_t>(32, byte));
}

inline http::Request request_of(std::string method, std::string target, std::string authorization = "",
                                std::string host = std::string(kDomain)) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.fields.add("Host", std::move(host));
  if (!authorization.empty()) request.fields.add("Authorization", std::move(authorization));
  return request;
}

inline http::Request registration(std::string authorization, std::string body = kBody) {
  http::Request request = request_of("POST", "/v1/_acme-challenge", std::move(authorization));
  request.body = std::move(body);
  return request;
}

inline std::string field(const http::Response& response, std::string_view name) {
  return std::string(response.fields.find(name).value_or("-"));
}

struct TestedService {
  explicit TestedService(Rules rules = {}, std::uint64_t capacity = 100, Measures measures = {})
      : journal("broker", std::move(measures), kClocks.steady) {
    static_cast<void>(memory.provide(*shm::Segment::create("test", shm::TableWriter::bytes_needed(capacity))));
    shm::TableWriter::format(memory.writable_bytes(), capacity, {});
    shm::TableWriter(memory.writable_bytes()).set_lifetime(3'600'000);
    Dialling dialling;
    dialling.reach = [this](libp2p::PeerId peer, std::vector<std::string> addresses, const IpAddress&, async::Event&) {
      return reach(dialer, peer, std::move(addresses));
    };
    dialling.has_room = [this](const IpAddress&) { return dialer.has_room; };
    registrar.emplace(std::move(rules), libp2p::PeerIdAuth(secret_of(7), {std::string(kDomain)}),
                      forge::ChallengeStore(memory), std::move(dialling), kClocks, random, journal);
    api.emplace(*registrar, forge::ChallengeStore(memory));
  }

  http::Response ask(http::Request request) {
    return async::testing::run(loop, api->answer(std::move(request), caller));
  }
  // The Authorization of the second leg, of the client's kind of handshake.
  std::string second(PeerIdAuthClient& client, const std::string& host = std::string(kDomain)) {
    const auto response = ask(request_of("POST", "/v1/_acme-challenge", client.first(), host));
    REQUIRE(response.status == 401);
    return *client.second(field(response, "WWW-Authenticate"));
  }
  // The Authorization of somebody who is authenticated already: a new handshake.
  std::string authorization(std::uint8_t peer = 1, Flow flow = Flow::client_initiated) {
    const PrivateKey key = key_of(peer);
    PeerIdAuthClient::Dialect dialect{flow, std::string(kDomain), std::string(44, 'c')};
    if (flow == Flow::server_initiated) dialect.order = {"public-key", "opaque", "challenge-server", "sig"};
    PeerIdAuthClient client(key, dialect);
    return second(client);
  }
  http::Response register_peer(std::uint8_t peer = 1, std::string body = kBody) {
    return ask(registration(authorization(peer), std::move(body)));
  }
  std::vector<std::string> values(std::uint8_t peer = 1) {
    forge::Challenges found;
    const auto id = key_of(peer).public_key().peer_id();
    REQUIRE(forge::ChallengeStore(memory).find(id.multihash(), wall, found) != shm::Table::Found::unsettled);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < found.count; ++i) texts.emplace_back(found.text(i));
    return texts;
  }

  async::Loop loop;
  async::Event gone{loop};
  http::Caller caller{*IpAddress::parse("192.0.2.7"), gone};
  shm::Shared memory{"challenges"};
  SeededRandom random{1};
  FakeDialer dialer;
  Journal journal;
  std::optional<Registrar> registrar;
  std::optional<Api> api;
};

}  // namespace swage::plugins::broker::testing
