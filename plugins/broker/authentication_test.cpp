// Requests that prove no identity: what they are told, what the log says, and what is counted.
#include "plugins/broker/authentication.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/metrics/sums.h"
#include "plugins/broker/registration_testing.h"
#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using namespace swage::plugins::broker::testing;
using namespace std::chrono_literals;

namespace {

std::string text_of(metrics::Registry& registry) {
  metrics::SheetReader sheet(registry.memory());
  sheet.update();
  metrics::Sums sums;
  sums.add_trusted(sheet, metrics::Sums::Gauges::take);
  return sums.text();
}

http::Request with_host(http::Request request, std::string host) {
  request.fields.set("Host", std::move(host));
  return request;
}

// With a signature that is none of its key.
std::string wrong(const std::string& authorization) {
  std::string tampered = authorization;
  const std::size_t at = tampered.find("sig=\"") + 5;
  tampered.replace(at, 4, tampered.substr(at, 4) == "AAAA" ? "BBBB" : "AAAA");
  return tampered;
}

}  // namespace

TEST_CASE("broker: a request that proves nothing leaves a line with its client and the reason, and is counted") {
  metrics::Registry registry;
  Rules rules;
  rules.trusted_proxies = {*Prefix::parse("10.0.0.0/8")};
  TestedService service(std::move(rules), 100, Measures(registry));
  const std::string good = service.authorization();
  http::Request twice = registration(good), forwarded = registration(wrong(good));
  twice.fields.add("authorization", good);
  forwarded.fields.add("X-Forwarded-For", "198.51.100.7");
  struct Case {
    http::Request request;
    std::string_view line, reason;
  };
  const Case cases[] = {
      {with_host(registration(good), "other.example"), "400: the Host is not a name of this service (other.example)",
       "host"},
      {with_host(registration(good), "\x1B[31m\n"), "400: the Host is not a name of this service (\\x1b[31m\\x0a)",
       "host"},
      {registration("libp2p-PeerID x"), "400: a parameter is not of the form name=\"value\"", "malformed"},
      {registration("libp2p-PeerID"), "400: neither a challenge nor the answer to one nor a bearer", "malformed"},
      {twice, "400: more than one Authorization", "malformed"},
      {registration("libp2p-PeerID bearer=\"AAAA\""), "401: the token is not one of ours", "token"},
      {registration(wrong(good)), "401: the signature does not verify", "signature"},
      {registration(wrong(good)), "401: an answer to this challenge was wrong before", "token"},
  };
  for (const Case& each : cases) {
    steady += 1000;
    tests::LogCapture log;
    const std::string before = text_of(registry);
    const auto response = service.ask(each.request);
    CHECK(log.take() == fmt::format("[INFO] plugin/broker: somebody from 192.0.2.7: {}\n", each.line));
    CHECK(std::to_string(response.status) == each.line.substr(0, 3));
    const std::string counter = fmt::format("swage_broker_unauthenticated_total{{reason=\"{}\"}} ", each.reason);
    const auto count = [&counter](const std::string& text) {
      const std::size_t at = text.find(counter);
      return at == std::string::npos ? 0 : std::stoi(text.substr(at + counter.size()));
    };
    CHECK(count(text_of(registry)) == count(before) + 1);
  }
  wall += std::chrono::milliseconds(5min).count() + 1;
  steady += 1000;
  service.caller.address = *IpAddress::parse("10.0.0.1");
  tests::LogCapture log;
  CHECK(service.ask(forwarded).status == 401);
  CHECK(log.take() == "[INFO] plugin/broker: somebody from 198.51.100.7: 401: the token has expired\n");
  CHECK(service.ask(registration("")).status == 401);  // a first leg is no failure
  CHECK(log.take().empty());
}

TEST_CASE("broker: at most ten such lines a second, and they take none of the registrations'") {
  TestedService service;
  const std::string good = service.authorization();
  steady += 1000;
  tests::LogCapture log;
  for (int i = 0; i < 100; ++i) CHECK(service.ask(with_host(registration(""), "other.example")).status == 400);
  CHECK(service.ask(registration(good)).status == 200);
  std::string lines = log.take();
  CHECK(std::ranges::count(lines, '\n') == 11);
  CHECK(lines.ends_with("tcp, noise\n"));
  steady += 1000;
  CHECK(service.ask(with_host(registration(""), "other.example")).status == 400);
  lines = log.take();
  CHECK(lines.starts_with("[WARNING] plugin/broker: 90 more lines were not logged\n"));
}

TEST_CASE("broker: what a network may have verified is bounded; what is refused says when to come again") {
  Rules rules;
  rules.client_limit = {60, 60s};
  TestedService service(std::move(rules));
  unsigned status = 401;
  http::Response last;
  std::size_t verified = 0;
  std::string authorization;
  while (status == 401 && verified < 10'000) {
    authorization = service.authorization();
    last = service.ask(registration(wrong(authorization)));
    status = last.status;
    ++verified;
  }
  CHECK(status == 429);
  CHECK(verified == 1334);  // 100 ms of 75 µs each
  CHECK(field(last, "Retry-After") == "1");
  CHECK(last.body == "too many signatures from this network\n");
  CHECK(field(last, "WWW-Authenticate") == "-");
  CHECK(service.ask(registration(authorization)).status == 429);  // the right one
  // A first leg and a bearer cost no verification, and another network is another one's.
  CHECK(service.ask(registration("")).status == 401);
  service.caller.address = *IpAddress::parse("198.51.100.7");
  const auto other = service.ask(registration(service.authorization(2)));
  CHECK(other.status == 200);
  const std::string info = field(other, "Authentication-Info");
  const std::size_t at = info.find("bearer=");
  service.caller.address = *IpAddress::parse("192.0.2.7");
  CHECK(service.ask(registration("libp2p-PeerID " + info.substr(at, info.find(',', at) - at))).status == 200);
  // The same challenge and signature are still good.
  steady += 1000;
  CHECK(service.ask(registration(authorization)).status == 200);
}

TEST_CASE("broker: a client that goes away while its peer is dialled is told apart from what went wrong here") {
  metrics::Registry registry;
  TestedService service({}, 100, Measures(registry));
  service.dialer.error.emplace(dial::DialError::Kind::cancelled, "cancelled after 1 of 2 addresses");
  service.dialer.takes = 77;
  const std::string authorization = service.authorization();
  service.gone.set();
  steady += 1000;
  tests::LogCapture log;
  const auto response = service.ask(registration(authorization));
  CHECK(log.take() ==
        fmt::format("[INFO] plugin/broker: {} from 192.0.2.7: the client went away after 77 ms: cancelled "
                    "after 1 of 2 addresses\n",
                    key_of(1).public_key().peer_id().to_base58()));
  CHECK(response.status == 400);
  const std::string text = text_of(registry);
  CHECK(text.find("swage_broker_registrations_total{result=\"gone\"} 1") != std::string::npos);
  CHECK(text.find("swage_broker_registrations_total{result=\"unavailable\"} 1") == std::string::npos);
}
