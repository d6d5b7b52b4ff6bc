// Each client against the broker's side of the authentication, and against brokers that do it wrong.
#include "core/peer/handshake.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/testing.h"
#include "core/http/message.h"
#include "core/libp2p/key_vectors.h"
#include "core/libp2p/peer_id_auth.h"
#include "core/text.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace std::chrono_literals;
using crypto::testing::SeededRandom;
using libp2p::PeerIdAuth;
using libp2p::PrivateKey;
using peer::Handshake;
using peer::Url;

namespace {

const std::string kDomain = "registration.libp2p.direct";  // the only one with which all six succeed

struct Parsed {
  std::string method, host, authorization;
};

std::string field(std::string_view request, std::string_view name) {
  for (std::size_t at = request.find("\r\n"); at != std::string_view::npos; at = request.find("\r\n", at + 2)) {
    const std::string_view line = request.substr(at + 2, request.find("\r\n", at + 2) - at - 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        equal_without_case(line.substr(0, name.size()), name)) {
      return std::string(line.substr(name.size() + 2));
    }
  }
  return "";
}

Parsed parse(const std::string& request) {
  return {request.substr(0, request.find(' ')), field(request, "host"), field(request, "authorization")};
}

// A broker without dialling and store: it authenticates, and says 200 or what it is told to.
class Broker {
 public:
  unsigned status = 200;  // of the second response

  http::Response answer(const std::string& request) {
    const Parsed parsed = parse(request);
    const auto answer =
        auth_.answer({parsed.authorization, parsed.host}, libp2p::AuthTime(1'750'000'000'123ms), random_);
    http::Response response;
    response.status = 401;
    if (const auto* const challenge = std::get_if<PeerIdAuth::Challenge>(&answer)) {
      response.fields.add("WWW-Authenticate", challenge->www_authenticate);
    } else if (const auto* const refused = std::get_if<PeerIdAuth::Refused>(&answer)) {
      response.fields.add("WWW-Authenticate", refused->www_authenticate);
      response.body = refused->why;
    } else if (const auto* const malformed = std::get_if<PeerIdAuth::Malformed>(&answer)) {
      response.status = 400;
      response.body = malformed->why;
    } else {
      const auto& done = std::get<PeerIdAuth::Authenticated>(answer);
      response.status = status;
      response.fields.add("Authentication-Info", done.authentication_info);
      peer = done.peer;
    }
    return response;
  }

  std::optional<libp2p::PeerId> peer;  // who was authenticated last

 private:
  PeerIdAuth auth_{crypto::Secret::copy_of(std::vector<std::uint8_t>(32, 7)), {kDomain}};
  SeededRandom random_{1};
};

PrivateKey key_of(const libp2p::testing::KeyVector& vector) {
  return PrivateKey::from_protobuf(crypto::testing::unhex(vector.private_key)).value();
}

const PrivateKey& key() {
  static const PrivateKey made = PrivateKey::from_seed(std::vector<std::uint8_t>(32, 2));
  return made;
}

peer::Submission submission(const std::string& url = "https://" + kDomain) {
  return {Url::parse(url).value(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", {"/ip4/192.0.2.1/tcp/4001"}, ""};
}

Handshake handshake(std::string_view dialect, const PrivateKey& with, peer::Submission what = submission()) {
  static SeededRandom random(2);
  return {*peer::find_dialect(dialect), with, std::move(what), random};
}

// "done", or why the client gives up.
std::string outcome(Handshake client, Broker& broker) {
  const auto second = client.second(broker.answer(client.first()));
  if (!second) return second.error().text();
  const auto done = client.finish(broker.answer(*second));
  return done ? "done" : done.error().text();
}

const peer::Dialect* const* all() {
  static const auto pointers = [] {
    std::vector<const peer::Dialect*> list;
    for (const auto& dialect : peer::dialects()) list.push_back(&dialect);
    list.push_back(nullptr);
    return list;
  }();
  return pointers.data();
}

// Changes what the broker says, before the client sees it.
using Change = void (*)(http::Response&);

void replace(http::Response& response, const std::string& name, std::string_view what, std::string_view by) {
  const auto header = response.fields.find(name);
  if (!header) return;
  std::string value(*header);
  const std::size_t at = value.find(what);
  REQUIRE(at != std::string::npos);
  response.fields.set(name, value.replace(at, what.size(), by));
}

// Takes a parameter out, with the comma before it.
void drop(http::Response& response, const std::string& name, const std::string& parameter) {
  const auto header = response.fields.find(name);
  if (!header) return;
  std::string value(*header);
  const std::size_t at = value.find(" " + parameter + "=\"");
  if (at == std::string::npos) return;
  const std::size_t end = value.find('"', at + parameter.size() + 3) + 1;
  value.erase(at, end - at);
  if (value[at - 1] == ',') value.erase(at - 1, 1);
  response.fields.set(name, value);
}

std::string outcome_with(std::string_view dialect, Change first, Change second, unsigned status = 200) {
  Broker broker;
  broker.status = status;
  Handshake client = handshake(dialect, key());
  http::Response challenge = broker.answer(client.first());
  if (first) first(challenge);
  const auto request = client.second(challenge);
  if (!request) return "gives up";
  http::Response response = broker.answer(*request);
  if (second) second(response);
  const auto done = client.finish(response);
  return done ? "done" : fmt::format("refused {}", response.status);
}

}  // namespace

TEST_CASE("handshake: every client with every type of key succeeds") {
  for (const auto& vector : libp2p::testing::kKeyVectors) {
    const PrivateKey type = key_of(vector);
    for (const auto& dialect : peer::dialects()) {
      INFO(dialect.name << " " << static_cast<int>(vector.type));
      Broker broker;
      CHECK(outcome(handshake(dialect.name, type), broker) == "done");
      CHECK(broker.peer == type.public_key().peer_id());
    }
  }
}

TEST_CASE("handshake: ports that are not the scheme's own") {
  const std::string url = "http://" + kDomain + ":8080";
  for (const auto* const* dialect = all(); *dialect; ++dialect) {
    INFO((*dialect)->name);
    Broker broker;
    const std::string result = outcome(handshake((*dialect)->name, key(), submission(url)), broker);
    // The broker has to sign before it sees which name the client means.
    if ((*dialect)->name == "rust") {
      CHECK(result == "the broker's challenge: the server's signature does not verify");
    } else {
      CHECK(result == "done");
    }
  }
}

TEST_CASE("handshake: which statuses are success") {
  struct Row {
    std::string_view dialect;
    const char* created;  // at 201
  };
  for (const auto& [dialect, created] :
       {Row{"go", "refused 201"}, Row{"js", "done"}, Row{"nim", "refused 201"}, Row{"python", "refused 201"},
        Row{"rust", "refused 201"}, Row{"dotnet", "done"}}) {
    INFO(dialect);
    CHECK(outcome_with(dialect, nullptr, nullptr, 200) == "done");
    CHECK(outcome_with(dialect, nullptr, nullptr, 201) == created);
    CHECK(outcome_with(dialect, nullptr, nullptr, 403) == "refused 403");
    CHECK(outcome_with(dialect, nullptr, nullptr, 503) == "refused 503");
  }
}

TEST_CASE("handshake: responses that some accept") {
  struct Row {
    const char* what;
    Change first, second;
    std::vector<std::string_view> accept;  // the others give up
  };
  const Row kRows[] = {
      {"a first response that is 200",
       [](auto& r) { r.status = 200; },
       nullptr,
       {"go", "js", "nim", "python", "dotnet"}},
      {"no challenge", [](auto& r) { r.fields.remove("WWW-Authenticate"); }, nullptr, {}},
      {"no sig", [](auto& r) { drop(r, "WWW-Authenticate", "sig"); }, nullptr, {"nim", "python", "dotnet"}},
      {"no public-key", [](auto& r) { drop(r, "WWW-Authenticate", "public-key"); }, nullptr, {}},
      {"no challenge-client", [](auto& r) { drop(r, "WWW-Authenticate", "challenge-client"); }, nullptr, {}},
      {"another scheme", [](auto& r) { r.fields.set("WWW-Authenticate", "Basic realm=\"x\""); }, nullptr, {}},
      {"an empty header", [](auto& r) { r.fields.set("WWW-Authenticate", ""); }, nullptr, {}},
      {"spaces without commas",
       [](auto& r) { replace(r, "WWW-Authenticate", ", public-key", " public-key"); },
       nullptr,
       {"go", "js", "python", "rust"}},
      {"no bearer at the end",
       nullptr,
       [](auto& r) { r.fields.remove("Authentication-Info"); },
       {"go", "js", "python", "rust", "dotnet"}},
      {"an empty bearer",
       nullptr,
       [](auto& r) { drop(r, "Authentication-Info", "bearer"); },
       {"go", "python", "rust", "dotnet"}},
      {"no signature at the end",
       nullptr,
       [](auto& r) { drop(r, "Authentication-Info", "sig"); },
       {"go", "js", "python", "rust", "dotnet"}},
  };
  for (const Row& row : kRows) {
    for (const auto& dialect : peer::dialects()) {
      INFO(row.what << ": " << dialect.name);
      const bool accepts = std::ranges::find(row.accept, dialect.name) != row.accept.end();
      CHECK((outcome_with(dialect.name, row.first, row.second) == "done") == accepts);
    }
  }
}

TEST_CASE("handshake: what nim finds between commas") {
  // The first part that has the name anywhere is taken: so sig must come before the bearer, which may hold "sig".
  const Change swapped = [](http::Response& response) {
    response.fields.set("Authentication-Info", "libp2p-PeerID bearer=\"xsigx\", sig=\"AAAA\"");
  };
  CHECK(outcome_with("nim", nullptr, swapped) == "refused 200");
}

TEST_CASE("handshake: python signs what has the lengths that it knows") {
  const Change longer = [](http::Response& response) {
    replace(response, "WWW-Authenticate", "challenge-client=\"", "challenge-client=\"A");
  };
  CHECK(outcome_with("python", longer, nullptr) == "gives up");
}

TEST_CASE("handshake: errors say what the broker said") {
  Handshake client = handshake("go", key());
  http::Response response;
  response.status = 503;
  response.body = "try\x1b[31m later\n";
  response.fields.add("Retry-After", "5");
  CHECK(client.second(response).error().text() ==
        "no challenge (WWW-Authenticate) in the response: 503 try [31m later; Retry-After: 5");
  CHECK(handshake("rust", key()).second(response).error().text() ==
        "expected 401 and a challenge, got 503 try [31m later; Retry-After: 5");
  response.body.assign(1000, 'x');
  CHECK(peer::summary(response) == "503 " + std::string(500, 'x') + "…; Retry-After: 5");
}

TEST_CASE("handshake: who stays on the connection") {
  struct Row {
    std::string_view dialect;
    bool empty, text;  // after such a first response
  };
  http::Response empty, text;
  text.body = "unauthorized";
  for (const auto& [dialect, after_empty, after_text] :
       {Row{"go", true, true}, Row{"js", false, false}, Row{"nim", false, false}, Row{"python", false, false},
        Row{"rust", true, false}, Row{"dotnet", true, false}}) {
    INFO(dialect);
    CHECK(handshake(dialect, key()).stays(empty) == after_empty);
    CHECK(handshake(dialect, key()).stays(text) == after_text);
  }
}

TEST_CASE("handshake: no response crashes a client") {
  SeededRandom random(3);
  for (const auto& dialect : peer::dialects()) {
    Broker broker;
    Handshake good = handshake(dialect.name, key());
    const std::string challenge(*broker.answer(good.first()).fields.find("WWW-Authenticate"));
    for (std::size_t i = 0; i < 400; ++i) {
      std::uint8_t dice[4];
      random.fill(dice);
      std::string header = challenge;
      const std::size_t at = (dice[0] * 256U + dice[1]) % header.size();
      if (dice[2] % 3 == 0)
        header.resize(at);
      else if (dice[2] % 3 == 1)
        header[at] = static_cast<char>(dice[3]);
      else
        header.erase(at, dice[3]);
      http::Response response;
      response.status = 401;
      response.fields.add("WWW-Authenticate", header);
      Handshake client = handshake(dialect.name, key());
      const auto second = client.second(response);
      response.fields.add("Authentication-Info", header);
      if (second) static_cast<void>(client.finish(response));
    }
  }
}
