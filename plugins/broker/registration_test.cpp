#include <deque>
#include <optional>

#include <fmt/ranges.h>

#include "core/async/testing.h"
#include "core/crypto/testing.h"
#include "core/denylist/builder.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "core/shm/table.h"
#include "plugins/broker/api.h"
#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using namespace std::chrono_literals;
using crypto::testing::SeededRandom;
using libp2p::PeerIdAuthClient;
using libp2p::PrivateKey;
using Flow = PeerIdAuthClient::Flow;

namespace {

constexpr std::string_view kDomain = "registration.example";
const std::string kValue = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
const std::string kOther = "V8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0LoqXcY";
const std::string kAddress = "/ip4/192.0.2.1/tcp/4001";
const std::string kBody = fmt::format(R"({{"value":"{}","addresses":["{}"]}})", kValue, kAddress);

std::int64_t wall = 1'800'000'000'000;
std::int64_t steady = 5'000;
constexpr Clocks kClocks{[] { return wall; }, [] { return steady; }};

// Stands for the dialler: what it was asked, and what it answers.
struct FakeDialer {
  std::optional<dial::DialError> error;
  async::Event* release = nullptr;  // waits for it
  std::int64_t takes = 0;           // milliseconds
  std::vector<std::string> asked;   // "PEER ADDRESS …"
};

async::Task<std::expected<dial::Reached, dial::DialError>> reach(FakeDialer& dialer, libp2p::PeerId peer,
                                                                 std::vector<std::string> addresses) {
  dialer.asked.push_back(fmt::format("{} {}", peer.to_base58(), fmt::join(addresses, " ")));
  if (dialer.release != nullptr) co_await dialer.release->wait();
  steady += dialer.takes;
  if (dialer.error) co_return std::unexpected(*dialer.error);
  co_return dial::Reached{*libp2p::Multiaddr::parse(kAddress), "tcp", "noise"};
}

PrivateKey key_of(std::uint8_t number) { return PrivateKey::from_seed(std::vector<std::uint8_t>(32, number)); }

crypto::Secret secret_of(std::uint8_t byte) { return crypto::Secret::copy_of(std::vector<std::uint8_t>(32, byte)); }

http::Request request_of(std::string method, std::string target, std::string authorization = "",
                         std::string host = std::string(kDomain)) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.fields.add("Host", std::move(host));
  if (!authorization.empty()) request.fields.add("Authorization", std::move(authorization));
  return request;
}

http::Request registration(std::string authorization, std::string body = kBody) {
  http::Request request = request_of("POST", "/v1/_acme-challenge", std::move(authorization));
  request.body = std::move(body);
  return request;
}

std::string field(const http::Response& response, std::string_view name) {
  return std::string(response.fields.find(name).value_or("-"));
}

struct Service {
  explicit Service(Rules rules = {}, std::uint64_t capacity = 100) {
    memory.replace(*shm::Segment::create("test", shm::TableWriter::bytes_needed(capacity)));
    shm::TableWriter::format(memory.writable_bytes(), capacity, {});
    shm::TableWriter(memory.writable_bytes()).set_lifetime(3'600'000);
    registrar.emplace(
        std::move(rules), libp2p::PeerIdAuth(secret_of(7), {std::string(kDomain)}), shm::ChallengeStore(memory),
        [this](libp2p::PeerId peer, std::vector<std::string> addresses, async::Event&) {
          return reach(dialer, peer, std::move(addresses));
        },
        kClocks, random);
    api.emplace(*registrar, shm::ChallengeStore(memory));
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
    shm::Challenges found;
    const auto id = key_of(peer).public_key().peer_id();
    REQUIRE(shm::ChallengeStore(memory).find(id.multihash(), wall, found) != shm::Table::Found::unsettled);
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
  std::optional<Registrar> registrar;
  std::optional<Api> api;
};

Rules with_limits(Rate peer, Rate client) {
  Rules rules;
  rules.peer_limit = peer;
  rules.client_limit = client;
  return rules;
}

struct Case {
  std::string_view method, token;
  bool too_large;
  std::string body;
  unsigned status;
  std::string_view text;
};

}  // namespace

TEST_CASE("broker: a registration, in both kinds of handshake, with any method on the first leg") {
  const PrivateKey key = key_of(1);
  const struct {
    std::string_view method, host, hostname;
    Flow flow;
    std::vector<std::string_view> order;
  } cases[] = {
      {"POST", "registration.example:8443", "registration.example:8443", Flow::client_initiated, {"opaque", "sig"}},
      {"OPTIONS", "registration.example", "registration.example", Flow::client_initiated, {"opaque", "sig"}},
      {"GET",
       "registration.example",
       "registration.example",
       Flow::server_initiated,
       {"public-key", "opaque", "challenge-server", "sig"}},
      {"POST",
       "registration.example:8443",
       "registration.example",
       Flow::server_initiated,
       {"public-key", "challenge-server", "sig", "opaque"}},
      {"PUT",
       "Registration.Example.",
       "registration.example",
       Flow::server_initiated,
       {"sig", "opaque", "public-key", "challenge-server"}},
  };
  for (const auto& each : cases) {
    CAPTURE(each.method, each.host);
    Service service;
    PeerIdAuthClient client(key, {each.flow, std::string(each.hostname), std::string(48, 'A'), each.order});
    const auto first = service.ask(
        request_of(std::string(each.method), "/v1/_acme-challenge", client.first(), std::string(each.host)));
    CHECK(first.status == 401);
    CHECK(first.fields.count("WWW-Authenticate") == 1);
    CHECK(field(first, "Authentication-Info") == "-");
    CHECK(first.body.empty());
    http::Request request = registration(*client.second(field(first, "WWW-Authenticate")));
    request.fields.set("Host", std::string(each.host));
    const auto second = service.ask(request);
    CHECK(second.status == 200);
    CHECK(second.body.empty());
    CHECK(second.fields.count("Content-Type") == 0);
    CHECK(client.finish(field(second, "Authentication-Info")));
    CHECK(service.values() == std::vector{kValue});
    CHECK(service.dialer.asked == std::vector{key.public_key().peer_id().to_base58() + " " + kAddress});

    // The bearer alone is good too.
    request = registration(client.later(), R"({"Addresses":["a","b"],"VALUE":")" + kOther + "\"} \n{}");
    const auto third = service.ask(request);
    CHECK(third.status == 200);
    CHECK(field(third, "Authentication-Info") == "-");
    CHECK(service.values() == std::vector{kOther, kValue});
    CHECK(service.dialer.asked.back() == key.public_key().peer_id().to_base58() + " a b");
  }
}

TEST_CASE("broker: statuses after authentication, in their order, all with Authentication-Info") {
  Rules rules;
  rules.access_token = crypto::Secret::copy_of(as_bytes("open sesame"));
  Service service(std::move(rules));
  const std::string bad_value = R"({"value":"x","addresses":[]})";
  const Case cases[] = {
      {"GET", "", true, "{", 400, "only POST registers\n"},
      {"OPTIONS", "open sesame", false, kBody, 400, "only POST registers\n"},
      {"post", "open sesame", false, kBody, 400, "only POST registers\n"},
      {"POST", "", true, "{", 403, "Forge-Authorization is missing or wrong\n"},
      {"POST", "open sesamf", false, kBody, 403, "Forge-Authorization is missing or wrong\n"},
      {"POST", "open sesam", false, kBody, 403, "Forge-Authorization is missing or wrong\n"},
      {"POST", "open sesame", true, "", 413, "the body is too large\n"},
      {"POST", "open sesame", false, "", 400, "the body is not JSON\n"},
      {"POST", "open sesame", false, R"({"x":1})", 400, "the body has an unknown field\n"},
      {"POST", "open sesame", false, bad_value, 400, "value is not unpadded base64url\n"},
  };
  const Flow flow = GENERATE(Flow::client_initiated, Flow::server_initiated);
  const std::string_view info = flow == Flow::client_initiated ? "libp2p-PeerID bearer=\"" : "libp2p-PeerID sig=\"";
  for (const Case& each : cases) {
    CAPTURE(each.method, each.token, each.body);
    http::Request request = registration(service.authorization(1, flow), each.body);
    request.method = each.method;
    request.body_too_large = each.too_large;
    if (!each.token.empty()) request.fields.add("Forge-Authorization", std::string(each.token));
    const auto response = service.ask(request);
    CHECK(response.status == each.status);
    CHECK(response.body == each.text);
    CHECK(field(response, "Content-Type") == "text/plain; charset=utf-8");
    CHECK(response.fields.count("Authentication-Info") == 1);
    CHECK(field(response, "Authentication-Info").starts_with(info));
  }
  CHECK(service.dialer.asked.empty());
  CHECK(service.values().empty());
  // The token is nobody's business before: neither without credentials nor with bad ones, and on no first leg.
  CHECK(service.ask(registration("")).status == 401);
  CHECK(service.ask(registration("libp2p-PeerID bearer=\"AAAA\"")).status == 401);
  http::Request request = registration(service.authorization(1, flow));
  request.fields.add("Forge-Authorization", "open sesame");
  CHECK(service.ask(request).status == 200);
}

TEST_CASE("broker: who is not authenticated gets 401 with a new challenge, or 400") {
  Service service;
  const std::string good = service.authorization();
  std::string tampered = good;
  tampered.replace(tampered.find("sig=\"") + 5, 4,
                   tampered.substr(tampered.find("sig=\"") + 5, 4) == "AAAA" ? "BBBB" : "AAAA");
  const struct {
    std::string authorization, host;
    unsigned status;
    std::string text;
  } cases[] = {
      {"", std::string(kDomain), 401, ""},
      {"Basic x", std::string(kDomain), 401, ""},
      {"libp2p-PeerID bearer=\"AAAA\"", std::string(kDomain), 401, "the token is not one of ours\n"},
      {tampered, std::string(kDomain), 401, "the signature does not verify\n"},
      {"libp2p-PeerID", std::string(kDomain), 400, "neither a challenge nor the answer to one nor a bearer\n"},
      {good, "other.example", 400, "the Host is not a name of this service\n"},
      {"", "", 400, "the Host is not a name of this service\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.authorization, each.host);
    http::Request request = registration(each.authorization);
    request.fields.set("Host", each.host);
    const auto response = service.ask(request);
    CHECK(response.status == each.status);
    CHECK(response.body == each.text);
    CHECK(response.fields.count("WWW-Authenticate") == (each.status == 401 ? 1 : 0));
    CHECK(field(response, "Authentication-Info") == "-");
  }
  http::Request twice = registration(good);
  twice.fields.add("authorization", good);
  CHECK(service.ask(twice).status == 400);
  wall += std::chrono::milliseconds(5min).count() + 1;
  CHECK(service.ask(registration(good)).status == 401);
  CHECK(service.dialer.asked.empty());
}

TEST_CASE("broker: what the dialler found is for the log, not for the client") {
  using Kind = dial::DialError::Kind;
  const struct {
    Kind kind;
    unsigned status;
    std::string_view text, retry_after;
  } cases[] = {
      {Kind::nothing_dialable, 400, "peer is not reachable at any submitted address\n", "-"},
      {Kind::unreachable, 400, "peer is not reachable at any submitted address\n", "-"},
      {Kind::timed_out, 400, "peer is not reachable at any submitted address\n", "-"},
      {Kind::cancelled, 503, "the registration was ended\n", "1"},
      {Kind::busy, 503, "too many registrations at the moment\n", "5"},
  };
  for (const auto& each : cases) {
    Service service;
    service.dialer.error.emplace(each.kind, "10.0.0.1:22 said\nSSH \x1B[31m");
    service.dialer.takes = 321;
    const tests::LogCapture log;
    const auto response = service.register_peer();
    CHECK(response.status == each.status);
    CHECK(response.body == each.text);
    CHECK(field(response, "Retry-After") == each.retry_after);
    CHECK(field(response, "Authentication-Info") != "-");
    CHECK(service.values().empty());
    CHECK(const_cast<tests::LogCapture&>(log).take() ==
          fmt::format("[INFO] plugin/broker: {} from 192.0.2.7: {} after 321 ms: 10.0.0.1:22 said?SSH ?[31m\n",
                      key_of(1).public_key().peer_id().to_base58(), each.status));
  }
}

TEST_CASE("broker: a store that takes nothing") {
  Service full({}, 1);
  CHECK(full.register_peer(1).status == 200);
  const auto response = full.register_peer(2);
  CHECK(response.status == 503);
  CHECK(field(response, "Retry-After") == "60");
  CHECK(response.body == "the store has no room\n");
  CHECK(field(response, "Authentication-Info") != "-");
  CHECK(full.register_peer(1).status == 200);

  Service missing;
  missing.memory.replace({});
  const auto without = missing.register_peer();
  CHECK(without.status == 503);
  CHECK(without.body == "the store is not available\n");
  CHECK(field(without, "Retry-After") == "60");
  CHECK(field(without, "Authentication-Info") != "-");
}

TEST_CASE("broker: addresses are the dialler's, whatever they are; the body bounds them") {
  Service service;
  std::string many = "\"\"";
  for (int i = 0; i < 1000; ++i) many += ",\"/ip4/1\"";
  const std::pair<std::string, std::size_t> cases[] = {
      {"", 0},
      {R"(,"addresses":[])", 0},
      {R"(,"addresses":null)", 0},
      {fmt::format(R"(,"addresses":[{}])", many), 1001},
      {fmt::format(R"(,"addresses":["{}"])", std::string(15'000, 'x')), 1},
  };
  for (const auto& [addresses, count] : cases) {
    CHECK(service.register_peer(1, fmt::format(R"({{"value":"{}"{}}})", kValue, addresses)).status == 200);
    CHECK(static_cast<std::size_t>(std::ranges::count(service.dialer.asked.back(), ' ')) ==
          std::max<std::size_t>(count, 1));
  }
}

TEST_CASE("broker: who is denied, or registers an address that is, gets 403 with the list's name") {
  const std::vector<Prefix> bad = {*Prefix::parse("198.51.100.0/24"), *Prefix::parse("2001:db8:bad::/48")};
  const std::vector<Prefix> good = {*Prefix::parse("198.51.100.7")};
  const std::vector<denylist::Source> lists = {{"bad-ones", denylist::Type::deny, bad},
                                               {"good-ones", denylist::Type::allow, good}};
  const denylist::ImageBuilder builder(lists, 1);
  shm::Snapshot snapshot("denylist");
  auto image = *shm::Segment::create("test", builder.size());
  builder.write(image.writable_bytes());
  snapshot.replace(std::move(image));

  Rules rules = with_limits({1, 1h}, {});
  rules.trusted_proxies = {*Prefix::parse("10.0.0.0/8")};
  rules.denylist = denylist::Denylist(snapshot);
  Service service(std::move(rules));
  const struct {
    std::string_view client, forwarded;
    std::string addresses;
    std::string_view refusal;  // empty: 200
  } cases[] = {
      {"198.51.100.1", "", kAddress, "client IP 198.51.100.1"},
      {"10.0.0.1", "192.0.2.7, 198.51.100.2", kAddress, "client IP 198.51.100.2"},
      {"10.0.0.1", "198.51.100.2, 192.0.2.7", kAddress, ""},  // who vouches for the first?
      {"192.0.2.7", "198.51.100.2", kAddress, ""},            // not a trusted proxy
      {"198.51.100.7", "", "/ip4/198.51.100.7/tcp/1", ""},
      {"192.0.2.7", "", "/ip4/198.51.100.9/udp/4001/quic-v1", "multiaddr IP 198.51.100.9"},
      {"192.0.2.7", "", "/ip6/2001:db8:bad::1/tcp/1/ws", "multiaddr IP 2001:db8:bad::1"},
      {"192.0.2.7", "", "/ip6/::ffff:198.51.100.9/tcp/1", "multiaddr IP ::ffff:198.51.100.9"},
      {"192.0.2.7", "", "nonsense\",\"" + kAddress + "\",\"/ip4/198.51.100.3/tcp/1", "multiaddr IP 198.51.100.3"},
      {"192.0.2.7", "", "/dns4/198.51.100.3.example/tcp/1", ""},
  };
  std::uint8_t peer = 1;
  for (const auto& each : cases) {
    CAPTURE(each.client, each.forwarded, each.addresses);
    service.caller.address = *IpAddress::parse(each.client);
    const std::string body = fmt::format(R"({{"value":"{}","addresses":["{}"]}})", kValue, each.addresses);
    http::Request request = registration(service.authorization(++peer), body);
    if (!each.forwarded.empty()) request.fields.add("X-Forwarded-For", std::string(each.forwarded));
    const std::size_t dialled = service.dialer.asked.size();
    const auto response = service.ask(request);
    const bool refused = !each.refusal.empty();
    CHECK(response.status == (refused ? 403 : 200));
    CHECK(response.body == (refused ? fmt::format("403 Forbidden: {} blocked by bad-ones\n", each.refusal) : ""));
    CHECK(service.dialer.asked.size() == dialled + (refused ? 0 : 1));
    if (!refused) continue;
    // Who was refused was not counted by the limit, which lets a peer register once.
    service.caller.address = *IpAddress::parse("192.0.2.7");
    CHECK(service.register_peer(peer).status == 200);
  }
  service.caller.address = *IpAddress::parse("198.51.100.1");
  CHECK(service.ask(registration(service.authorization(), "{}")).status == 400);  // the body comes first
}

TEST_CASE("broker: limit of a peer") {
  Service service(with_limits({2, 1h}, {}));
  CHECK(service.register_peer(1, "{").status == 400);  // not counted
  CHECK(service.register_peer().status == 200);
  service.dialer.error.emplace(dial::DialError::Kind::unreachable, "");
  CHECK(service.register_peer().status == 400);  // counted
  service.dialer.error.reset();
  const auto refused = service.register_peer();
  CHECK(refused.status == 429);
  CHECK(refused.body == "too many registrations\n");
  CHECK(field(refused, "Retry-After") == "1800");
  CHECK(field(refused, "Authentication-Info") != "-");
  CHECK(service.dialer.asked.size() == 2);
  CHECK(service.register_peer(2).status == 200);
  steady += 1'799'001;
  CHECK(field(service.register_peer(), "Retry-After") == "1");
  steady += 999;
  CHECK(service.register_peer().status == 200);
}

TEST_CASE("broker: limit of a client's network") {
  Rules rules = with_limits({}, {1, 1min});
  rules.trusted_proxies = {*Prefix::parse("10.0.0.0/8")};
  Service service(std::move(rules));
  const struct {
    std::string_view address, forwarded;
    unsigned status;
  } steps[] = {
      {"192.0.2.7", "", 200},
      {"192.0.2.255", "", 429},         // the same network
      {"192.0.3.7", "192.0.2.7", 200},  // not a trusted proxy: the field does not count
      {"192.0.3.8", "198.51.100.1", 429},
      {"10.0.0.1", "192.0.2.9", 429},  // a trusted proxy: it does
      {"10.0.0.1", "198.51.100.1", 200},
      {"10.0.0.2", "192.0.2.9, 198.51.100.2", 429},
      {"2001:db8:1:2::1", "", 200},
      {"2001:db8:1:3::2", "", 429},
      {"2001:db8:2:2::1", "", 200},
  };
  std::uint8_t peer = 1;
  for (const auto& step : steps) {
    CAPTURE(step.address, step.forwarded);
    service.caller.address = *IpAddress::parse(step.address);
    http::Request request = registration(service.authorization(peer++));
    if (!step.forwarded.empty()) request.fields.add("X-Forwarded-For", std::string(step.forwarded));
    CHECK(service.ask(request).status == step.status);
  }
}

TEST_CASE("broker: who is refused by one limit is not counted by the other") {
  Service service(with_limits({1, 1h}, {2, 1h}));
  CHECK(service.register_peer(1).status == 200);
  for (int i = 0; i < 5; ++i) CHECK(service.register_peer(1).status == 429);
  CHECK(service.register_peer(2).status == 200);
  CHECK(service.register_peer(3).status == 429);
}

TEST_CASE("broker: registrations of a peer at the same time, and how many of all") {
  Rules rules;
  rules.dialling = 2;
  Service service(std::move(rules));
  async::Event release(service.loop);
  service.dialer.release = &release;
  std::deque<std::optional<http::Response>> responses(3);
  const std::string bodies[] = {kBody, fmt::format(R"({{"value":"{}"}})", kOther), kBody};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string authorization = [&] {
      service.dialer.release = nullptr;
      return service.authorization(i == 2 ? 2 : 1);
    }();
    service.dialer.release = &release;
    service.loop.spawn(async::testing::keep(service.api->answer(registration(authorization, bodies[i]), service.caller),
                                            responses[i]));
  }
  CHECK(service.registrar->dialling() == 2);
  REQUIRE(responses[2]);
  CHECK(responses[2]->status == 503);
  CHECK(field(*responses[2], "Retry-After") == "5");
  CHECK_FALSE(responses[0]);
  release.set();
  service.loop.run();
  REQUIRE((responses[0] && responses[1]));
  CHECK(responses[0]->status == 200);
  CHECK(responses[1]->status == 200);
  CHECK(service.values() == std::vector{kOther, kValue});
  CHECK(service.registrar->dialling() == 0);
}

TEST_CASE("broker: a registration that is destroyed while it is dialled makes room") {
  Service service;
  async::Event release(service.loop);
  const std::string authorization = service.authorization();
  service.dialer.release = &release;
  {
    async::Loop other;
    async::Event gone(other);
    http::Caller caller{*IpAddress::parse("192.0.2.7"), gone};
    std::optional<http::Response> response;
    other.spawn(async::testing::keep(service.api->answer(registration(authorization), caller), response));
    CHECK(service.registrar->dialling() == 1);
  }
  CHECK(service.registrar->dialling() == 0);
}

TEST_CASE("broker: paths") {
  Service service;
  const std::pair<std::string_view, unsigned> cases[] = {
      {"/v1/_acme-challenge", 401},
      {"//v1/_acme-challenge", 401},
      {"///v1//_acme-challenge", 401},
      {"/v1/_acme-challenge?x", 401},
      {"/v1/_acme-challenge/", 404},
      {"/v2/_acme-challenge", 404},
      {"/V1/_acme-challenge", 404},
      {"/v1/_acme-challenge%20", 404},
      {"/", 404},
      {"*", 404},
      {"", 404},
      {"/v1/health", 204},
      {"//v1/health", 204},
      {"/v1/health?x=y", 204},
      {"/v1/health/x", 404},
      {"/v1/../v1/health", 404},
  };
  for (const auto& [target, status] : cases) {
    CAPTURE(target);
    const auto response = service.ask(request_of("GET", std::string(target)));
    CHECK(response.status == status);
    CHECK(field(response, "Cache-Control") == "no-store");
    CHECK(field(response, "Access-Control-Allow-Origin") == "-");
  }
}

TEST_CASE("broker: health, for any method and Host") {
  Service service;
  for (const char* const method : {"GET", "HEAD", "POST", "OPTIONS", "DELETE"}) {
    const auto response = service.ask(request_of(method, "/v1/health", "", "127.0.0.1"));
    CHECK(response.status == 204);
    CHECK(response.body.empty());
  }
  for (const char* const host : {"", "registration.example", "other.example:1", "[::1]"}) {
    http::Request request = request_of("GET", "/v1/health", "Basic x", host);
    request.body_too_large = true;
    const auto response = service.ask(request);
    CHECK(response.status == 204);
    CHECK(field(response, "Retry-After") == "-");
  }
  service.memory.replace({});
  for (const char* const method : {"GET", "HEAD", "POST"}) {
    const auto response = service.ask(request_of(method, "/v1/health"));
    CHECK(response.status == 503);
    CHECK(field(response, "Retry-After") == "5");
  }
}

TEST_CASE("broker: browsers may ask, and see what they need") {
  Service service;
  http::Request request = request_of("OPTIONS", "/v1/_acme-challenge");
  request.fields.add("Origin", "https://example.org");
  CHECK(service.ask(request).status == 401);  // not a preflight: it asks for no method
  request.fields.add("Access-Control-Request-Method", "POST");
  const auto preflight = service.ask(request);
  CHECK(preflight.status == 204);
  CHECK(field(preflight, "Access-Control-Allow-Origin") == "*");
  CHECK(field(preflight, "Access-Control-Allow-Methods") == "GET, OPTIONS, POST");
  CHECK(field(preflight, "Access-Control-Allow-Headers") ==
        "Authorization, Content-Type, Forge-Authorization, User-Agent");
  CHECK(field(preflight, "WWW-Authenticate") == "-");
  const PrivateKey key = key_of(1);
  PeerIdAuthClient client(key, {Flow::client_initiated, std::string(kDomain), std::string(44, 'c')});
  request.fields.add("Authorization", client.first());
  const auto first = service.ask(request);
  CHECK(first.status == 401);
  CHECK(field(first, "Access-Control-Allow-Origin") == "*");
  CHECK(field(first, "Access-Control-Expose-Headers") == "Authentication-Info, Retry-After, WWW-Authenticate");
  CHECK(client.second(field(first, "WWW-Authenticate")));
}

TEST_CASE("broker: the log says who, from where, how it ended, and no secrets") {
  Service service;
  const std::string authorization = service.authorization();
  tests::LogCapture log;
  service.dialer.takes = 212;
  const auto response = service.ask(registration(authorization));
  const std::string lines = log.take();
  CHECK(lines == fmt::format("[INFO] plugin/broker: {} from 192.0.2.7: 200 after 212 ms: {}, tcp, noise\n",
                             key_of(1).public_key().peer_id().to_base58(), kAddress));
  steady += 1000;
  CHECK(service.register_peer(1, "{").status == 400);
  CHECK(log.take().ends_with("from 192.0.2.7: 400 after 0 ms: the body is not JSON\n"));
}

TEST_CASE("broker: the log says who a peer is, on one line, and not more often than other things") {
  Service service;
  const auto peer = key_of(1).public_key().peer_id();
  steady += 1000;
  tests::LogCapture log;
  service.registrar->identified(peer, "kubo/0.33.0");
  service.registrar->identified(peer, "a\nb\x1B[31m\xFF");
  const std::string id = peer.to_base58();
  CHECK(log.take() ==
        fmt::format("[INFO] plugin/broker: {} is kubo/0.33.0\n[INFO] plugin/broker: {} is a?b?[31m?\n", id, id));
  CHECK(service.register_peer(1, "{").status == 400);
  for (int i = 0; i < 150; ++i) service.registrar->identified(peer, "x");
  const std::string lines = log.take();
  CHECK(std::ranges::count(lines, '\n') == 98);
  steady += 1000;
  service.registrar->identified(peer, "x");
  CHECK(log.take().starts_with("[WARNING] plugin/broker: 53 more lines were not logged\n[INFO] "));
}

TEST_CASE("broker: a flood of registrations does not flood the log") {
  Service service;
  const std::string authorization = service.authorization();
  steady += 1000;
  tests::LogCapture log;
  for (int i = 0; i < 150; ++i) CHECK(service.ask(registration(authorization, "{")).status == 400);
  const std::string lines = log.take();
  CHECK(std::ranges::count(lines, '\n') == 100);
  steady += 1000;
  CHECK(service.ask(registration(authorization)).status == 200);
  CHECK(log.take().starts_with("[WARNING] plugin/broker: 50 more lines were not logged\n[INFO] "));
}
