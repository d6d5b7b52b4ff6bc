// The headers of the authentication of peers. The first line says whose input the rest is: "@" and a Host before an
// Authorization for the server, else a WWW-Authenticate or Authentication-Info for the client. Since no fuzzer finds a
// MAC or a signature, in an Authorization {s} and {c} stand for challenges of the server (where it and where the client
// begins), {b} for a bearer, {k} for the client's key and {x} and {y} for the signatures that answer {s} and {c}.
// Seeds: tests/fuzz/corpus/peer_id_auth.
#include "core/libp2p/peer_id_auth.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/base64.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "core/result.h"

using namespace swage;
using libp2p::PeerIdAuth;
using libp2p::PeerIdAuthClient;

namespace {

constexpr std::string_view kDomain = "registration.example";
constexpr libp2p::AuthTime kNow{std::chrono::milliseconds(1'750'000'000'123)};

class ZeroRandom final : public crypto::Random {
 public:
  void fill(MutableBytes bytes) override {
    for (auto& byte : bytes) byte = 0;
  }
};

// One server and one client, and what they would say to each other.
struct Parties {
  PeerIdAuth server{crypto::Secret(32), {std::string(kDomain)}};
  libp2p::PrivateKey key = libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, 2));
  std::map<char, std::string> words;

  Parties() {
    words['k'] = crypto::to_base64url(key.public_key().to_protobuf());
    remember_handshake(PeerIdAuthClient::Flow::server_initiated, 's', 'x');
    remember_handshake(PeerIdAuthClient::Flow::client_initiated, 'c', 'y');
  }

  [[nodiscard]] PeerIdAuthClient client(PeerIdAuthClient::Flow flow) const {
    return {key,
            {flow, std::string(kDomain), std::string(44, 'c'), {"public-key", "challenge-server", "opaque", "sig"}}};
  }

  [[nodiscard]] PeerIdAuth::Answer ask(std::string_view authorization, std::string_view host) const {
    ZeroRandom random;
    return server.answer({authorization, host}, kNow, random);
  }

  void remember_handshake(PeerIdAuthClient::Flow flow, char opaque, char sig) {
    PeerIdAuthClient client_side = client(flow);
    const auto first = ask(client_side.first(), kDomain);
    const auto second = client_side.second(std::get<PeerIdAuth::Challenge>(first).www_authenticate).value();
    const auto params = libp2p::parse_auth_params(second).value();
    words[opaque] = *params.opaque;
    words[sig] = *params.sig;
    const auto answer = ask(second, kDomain);
    const auto info = libp2p::parse_auth_params(std::get<PeerIdAuth::Authenticated>(answer).authentication_info);
    words['b'] = *info.value().bearer;
  }

  [[nodiscard]] std::string with_words(std::string_view text) const {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool is_word = text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}' && words.contains(text[i + 1]);
      if (!is_word) {
        result += text[i];
        continue;
      }
      result += words.at(text[i + 1]);
      i += 2;
    }
    return result;
  }
};

// What the server writes, any client can read.
void check_header(const std::string& header, bool is_challenge) {
  CHECK(header.size() <= 2048 && libp2p::has_auth_scheme(header));
  const auto params = libp2p::parse_auth_params(header);
  CHECK(params.has_value());
  CHECK(is_challenge ? params->challenge_client && params->public_key && params->opaque : params->bearer.has_value());
}

void check_server(const Parties& parties, std::string_view host, std::string_view authorization) {
  const auto answer = parties.ask(parties.with_words(authorization), host);
  if (const auto* const challenge = std::get_if<PeerIdAuth::Challenge>(&answer)) {
    check_header(challenge->www_authenticate, true);
  } else if (const auto* const refused = std::get_if<PeerIdAuth::Refused>(&answer)) {
    check_header(refused->www_authenticate, true);
    CHECK(!refused->why.empty());
  } else if (const auto* const malformed = std::get_if<PeerIdAuth::Malformed>(&answer)) {
    CHECK(!malformed->why.empty());
  } else {
    const auto& authenticated = std::get<PeerIdAuth::Authenticated>(answer);
    CHECK(authenticated.peer == parties.key.public_key().peer_id());  // nobody else has proved anything
    if (!authenticated.authentication_info.empty()) check_header(authenticated.authentication_info, false);
  }
}

void check_client(const Parties& parties, std::string_view header) {
  for (const auto flow : {PeerIdAuthClient::Flow::client_initiated, PeerIdAuthClient::Flow::server_initiated}) {
    PeerIdAuthClient client = parties.client(flow);
    const auto second = client.second(header);
    if (second) CHECK(libp2p::has_auth_scheme(*second));
    if (!second) continue;
    if (client.finish(header)) CHECK(libp2p::has_auth_scheme(client.later()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Parties parties;
  const std::string_view input = as_text({data, size});
  const std::string_view line = input.substr(0, input.find('\n'));
  const std::string_view rest = input.substr(line.size() + (line.size() < input.size() ? 1 : 0));
  if (line.starts_with('@')) {
    check_server(parties, line.substr(1), rest);
  } else {
    check_client(parties, rest);
  }
  return 0;
}
