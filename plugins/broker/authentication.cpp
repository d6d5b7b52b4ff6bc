#include "plugins/broker/authentication.h"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "core/log.h"
#include "plugins/broker/respond.h"

namespace swage::plugins::broker {
namespace {

using libp2p::PeerIdAuth;
using Fault = PeerIdAuth::Fault;

http::Response challenge(std::string www_authenticate, std::string_view text) {
  http::Response response = respond(401, text);
  response.fields.add("WWW-Authenticate", std::move(www_authenticate));
  return response;
}

Measures::Unproven reason_of(Fault fault) {
  switch (fault) {
    case Fault::host:
      return Measures::Unproven::host;
    case Fault::token:
      return Measures::Unproven::token;
    case Fault::signature:
      return Measures::Unproven::signature;
    case Fault::header:
      break;
  }
  return Measures::Unproven::malformed;
}

// What strangers may have written, on one line, and not too much of it.
std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 100;
  return log::one_line(text.substr(0, kMaxShown));
}

}  // namespace

Bytes client_network(const IpAddress& client) { return client.bytes().first(client.is_v6() ? 6 : 3); }

Authentication::Authentication(PeerIdAuth auth, dial::Rate clients, crypto::Random& random, Journal& journal)
    : auth_(std::move(auth)), random_(random), journal_(journal), limit_(clients, dial::make_seed(random)) {}

std::expected<PeerIdAuth::Authenticated, http::Response> Authentication::authenticate(const http::Request& request,
                                                                                      const IpAddress& client,
                                                                                      Clock now) {
  if (request.fields.count("Authorization") > 1) {
    constexpr std::string_view kWhy = "more than one Authorization";
    return std::unexpected(refuse(respond(400, kWhy), Reason::malformed, client, kWhy));
  }
  const std::string_view host = request.fields.find("Host").value_or("");
  const PeerIdAuth::Request credentials{request.fields.find("Authorization").value_or(""), host};
  VerificationGate gate(limit_, client_network(client), VerificationLimit::Time(now.steady));
  const libp2p::AuthTime wall{std::chrono::milliseconds(now.wall)};
  PeerIdAuth::Answer answer = auth_.answer(credentials, wall, random_, gate);
  if (auto* const who = std::get_if<PeerIdAuth::Authenticated>(&answer)) return std::move(*who);
  if (auto* const first = std::get_if<PeerIdAuth::Challenge>(&answer)) {
    return std::unexpected(challenge(std::move(first->www_authenticate), ""));
  }
  if (auto* const refused = std::get_if<PeerIdAuth::Refused>(&answer)) {
    http::Response response = challenge(std::move(refused->www_authenticate), refused->why);
    return std::unexpected(refuse(std::move(response), reason_of(refused->fault), client, refused->why));
  }
  if (const auto* const malformed = std::get_if<PeerIdAuth::Malformed>(&answer)) {
    const std::string why =
        malformed->fault == Fault::host ? fmt::format("{} ({})", malformed->why, shown(host)) : malformed->why;
    return std::unexpected(refuse(respond(400, malformed->why), reason_of(malformed->fault), client, why));
  }
  return std::unexpected(postpone(gate.answer(), client));
}

http::Response Authentication::postpone(const VerificationLimit::Answer& answer, const IpAddress& client) {
  const bool of_network = answer.what == VerificationLimit::Short::network;
  const std::string_view why =
      of_network ? "too many signatures from this network" : "too many signatures at the moment";
  http::Response response = respond(of_network ? 429 : 503, why);
  response.fields.add("Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(answer.wait).count()));
  return refuse(std::move(response), of_network ? Reason::limited : Reason::busy, client, why);
}

http::Response Authentication::refuse(http::Response response, Reason reason, const IpAddress& client,
                                      std::string_view why) {
  journal_.refused(reason, client, response.status, why);
  return response;
}

}  // namespace swage::plugins::broker
