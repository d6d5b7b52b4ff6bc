// What a registration is answered, and what else the broker answers.
#include <fmt/format.h>

#include "plugins/broker/registration_testing.h"
#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using namespace swage::plugins::broker::testing;
using namespace std::chrono_literals;

namespace {

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
    TestedService service;
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
  TestedService service(std::move(rules));
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
  TestedService service;
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
      {Kind::other_transports, 400, "none of the addresses is TCP or WebSocket, and no others are dialled\n", "-"},
      {Kind::nothing_dialable, 400, "peer is not reachable at any submitted address\n", "-"},
      {Kind::unreachable, 400, "peer is not reachable at any submitted address\n", "-"},
      {Kind::timed_out, 400, "peer is not reachable at any submitted address\n", "-"},
      {Kind::cancelled, 503, "the registration was ended\n", "1"},
      {Kind::busy, 503, "too many registrations at the moment\n", "5"},
      {Kind::limited, 429, "the addresses' network is dialled too often\n", "7"},
  };
  for (const auto& each : cases) {
    TestedService service;
    service.dialer.error.emplace(each.kind, "10.0.0.1:22 said\nSSH \x1B[31m", each.kind == Kind::limited ? 7s : 0s);
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
  TestedService full({}, 1);
  CHECK(full.register_peer(1).status == 200);
  const auto response = full.register_peer(2);
  CHECK(response.status == 503);
  CHECK(field(response, "Retry-After") == "60");
  CHECK(response.body == "the store has no room\n");
  CHECK(field(response, "Authentication-Info") != "-");
  CHECK(full.register_peer(1).status == 200);

  TestedService missing;
  missing.memory.replace({});
  const auto without = missing.register_peer();
  CHECK(without.status == 503);
  CHECK(without.body == "the store is not available\n");
  CHECK(field(without, "Retry-After") == "60");
  CHECK(field(without, "Authentication-Info") != "-");
}

TEST_CASE("broker: addresses are the dialler's, whatever they are; the body bounds them") {
  TestedService service;
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

TEST_CASE("broker: paths") {
  TestedService service;
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
  TestedService service;
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

namespace {

http::Request from_page(std::string_view origin, std::string authorization = "") {
  http::Request request = request_of("OPTIONS", "/v1/_acme-challenge", std::move(authorization));
  request.fields.add("Origin", std::string(origin));
  return request;
}

}  // namespace

TEST_CASE("broker: pages in browsers are not answered, unless the Corefile says so") {
  const std::vector<std::string> none, all = {"*"}, two = {"https://example.org", "http://localhost:8080"};
  const struct {
    const std::vector<std::string>& cors;
    std::string_view origin, allowed, vary;
  } cases[] = {
      {none, "https://example.org", "-", "-"},
      {none, "null", "-", "-"},
      {all, "https://example.org", "*", "-"},
      {all, "null", "*", "-"},
      {two, "https://example.org", "https://example.org", "Origin"},
      {two, "http://localhost:8080", "http://localhost:8080", "Origin"},
      {two, "https://example.org.evil.example", "-", "Origin"},
      {two, "http://example.org", "-", "Origin"},
      {two, "null", "-", "Origin"},
  };
  for (const auto& [cors, origin, allowed, vary] : cases) {
    CAPTURE(cors, origin);
    TestedService service;
    Api api(*service.registrar, forge::ChallengeStore(service.memory), {}, {}, Cors(cors));
    const auto ask = [&](http::Request request) {
      auto response = async::testing::run(service.loop, api.answer(std::move(request), service.caller));
      CHECK(field(response, "Access-Control-Allow-Origin") == allowed);
      CHECK(field(response, "Vary") == vary);
      const bool is_seen =
          field(response, "Access-Control-Expose-Headers") == "Authentication-Info, Retry-After, WWW-Authenticate";
      CHECK(is_seen == (allowed != "-"));
      return response;
    };
    CHECK(ask(from_page(origin)).status == 401);  // not a preflight: it asks for no method
    http::Request request = from_page(origin);
    request.fields.add("Access-Control-Request-Method", "POST");
    const auto preflight = ask(request);
    CHECK(preflight.status == (allowed == "-" ? 401 : 204));
    CHECK(field(preflight, "WWW-Authenticate").starts_with("libp2p-PeerID") == (allowed == "-"));
    CHECK(field(preflight, "Access-Control-Allow-Methods") == (allowed == "-" ? "-" : "GET, OPTIONS, POST"));
    CHECK(field(preflight, "Access-Control-Allow-Headers") ==
          (allowed == "-" ? "-" : "Authorization, Content-Type, Forge-Authorization, User-Agent"));
    // js-libp2p's own first request, which is no preflight, has an Origin too, outside of browsers: it is answered.
    const PrivateKey key = key_of(1);
    PeerIdAuthClient client(key, {Flow::client_initiated, std::string(kDomain), std::string(44, 'c')});
    request.fields.add("Authorization", client.first());
    const auto first = ask(request);
    CHECK(first.status == 401);
    http::Request second = registration(*client.second(field(first, "WWW-Authenticate")));
    second.fields.add("Origin", std::string(origin));
    CHECK(ask(std::move(second)).status == 200);
    request = from_page(origin);
    request.fields.add("Origin", "https://other.example");
    request.fields.add("Access-Control-Request-Method", "POST");
    const auto twice = async::testing::run(service.loop, api.answer(std::move(request), service.caller));
    CHECK(field(twice, "Access-Control-Allow-Origin") == "-");
  }
}

TEST_CASE("broker: the log says who, from where, how it ended, and no secrets") {
  TestedService service;
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
