#include "plugins/broker/registration.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/http/forwarded.h"
#include "core/libp2p/multiaddr.h"

namespace swage::plugins::broker {

using namespace std::chrono_literals;

namespace {

// The same number in every process and after every restart.
shm::NetworkId network_id(const IpAddress& client) {
  std::uint64_t id = client.is_v6() ? 6 : 4;
  for (const std::uint8_t byte : client_network(client)) id = id << 8 | byte;
  return shm::NetworkId{id};
}

forge::Allowance allowance(std::string key, const dial::Rate& rate) { return {std::move(key), rate.count, rate.per}; }

std::unexpected<Verdict> refuse(Verdict verdict) { return std::unexpected(std::move(verdict)); }

Verdict limited_for(std::chrono::microseconds wait) {
  return {.outcome = Outcome::limited, .retry_after = std::chrono::ceil<std::chrono::seconds>(wait)};
}

}  // namespace

Registrar::Registrar(Rules rules, libp2p::PeerIdAuth auth, forge::ChallengeStore store, Dialling dialling,
                     Clocks clocks, crypto::Random& random, Journal& journal)
    : rules_(std::move(rules)),
      authentication_(std::move(auth), rules_.client_limit, random, journal),
      store_(store),
      dialling_(std::move(dialling)),
      clocks_(clocks),
      journal_(journal),
      peers_(rules_.peer_limit, dial::make_seed(random)),
      clients_(rules_.client_limit, dial::make_seed(random)) {}

async::Task<http::Response> Registrar::answer(http::Request request, http::Caller& caller) {
  const IpAddress client = http::client_address(caller.address, request.fields, rules_.trusted_proxies);
  auto who = authentication_.authenticate(request, client, {clocks_.wall(), clocks_.steady()});
  if (!who) co_return std::move(who).error();

  const Applicant applicant{who->peer, client, caller.address};
  const std::int64_t began = clocks_.steady();
  const Verdict verdict = co_await decide(request, applicant, caller.gone);
  journal_.decided(applicant.peer, applicant.client, verdict, began);

  http::Response response = verdict.response();
  if (!who->authentication_info.empty()) {
    response.fields.add("Authentication-Info", std::move(who->authentication_info));
  }
  co_return response;
}

async::Task<Verdict> Registrar::decide(const http::Request& request, const Applicant& applicant, async::Event& gone) {
  OrVerdict<RegistrationBody> body = read(request);
  if (!body) co_return std::move(body).error();
  OrVerdict<void> may = check_denylist(request, applicant, *body);
  if (may) may = check_limits(applicant);
  if (!may) co_return std::move(may).error();
  may = co_await check_fleet_limits(applicant);
  if (!may) co_return std::move(may).error();
  const Agent agent = agent_of(request.fields.find("User-Agent").value_or(""));
  auto reached = co_await reach(applicant, agent, std::move(body->addresses), gone);
  if (!reached) co_return std::move(reached).error();
  co_return co_await store(applicant, body->value, *reached);
}

// What the request alone decides.
Registrar::OrVerdict<RegistrationBody> Registrar::read(const http::Request& request) const {
  if (request.method != "POST") return refuse({Outcome::not_a_post});
  if (!has_access(request)) return refuse({Outcome::no_access});
  if (request.body_too_large) return refuse({Outcome::body_too_large});
  std::expected<RegistrationBody, std::string_view> body = parse_registration_body(request.body);
  if (!body) return refuse({.outcome = Outcome::bad_body, .text = std::string(body.error())});
  return *std::move(body);
}

bool Registrar::has_access(const http::Request& request) const {
  if (!rules_.access_token) return true;
  const auto token = request.fields.find("Forge-Authorization");
  return token && crypto::equal(as_bytes(*token), rules_.access_token->bytes());
}

// Nobody registers from a denied address, or for one. Every address on the request's way counts, whether its proxies
// are trusted or not: what a client adds can only deny it. Names are not resolved for this. The words are
// p2p-forge's, which asks for the connection's address and the leftmost forwarded one.
Registrar::OrVerdict<void> Registrar::check_denylist(const http::Request& request, const Applicant& applicant,
                                                     const RegistrationBody& body) const {
  if (!rules_.denylist.has_lists()) return {};
  const auto look_up = [this](const char* whose, const IpAddress& address) -> OrVerdict<void> {
    const auto listed = rules_.denylist.find(address);
    if (!listed || !listed->denied()) return {};
    const std::string why = fmt::format("{} IP {} blocked by {}", whose, address.to_string(), listed->name);
    return refuse({Outcome::denied, why, "403 Forbidden: " + why});
  };
  for (const IpAddress& each : http::forwarded_addresses(request.fields)) {
    if (auto found = look_up("client", each); !found) return found;
  }
  if (auto found = look_up("client", applicant.connection); !found) return found;
  for (const std::string& text : body.addresses) {
    const auto address = libp2p::Multiaddr::parse(text);
    if (!address) continue;
    for (const auto& component : address->components()) {
      const auto ip = component.ip();
      if (!ip) continue;
      if (auto found = look_up("multiaddr", *ip); !found) return found;
    }
  }
  return {};
}

// Both limits have to let the applicant through; only then does either count it.
Registrar::OrVerdict<void> Registrar::check_limits(const Applicant& applicant) {
  const std::chrono::milliseconds now(clocks_.steady());
  const Bytes network = client_network(applicant.client);
  const auto wait = std::max(peers_.wait(applicant.peer.multihash(), now), clients_.wait(network, now));
  if (wait > 0us) {
    return refuse(limited_for(wait));
  }
  if (!dialling_.has_room(applicant.client)) return refuse({Outcome::busy});
  peers_.count(applicant.peer.multihash(), now);
  clients_.count(network, now);
  return {};
}

// The same limits, counted by all brokers of a fleet together: none lets a peer through that has asked the others often
// enough.
async::Task<Registrar::OrVerdict<void>> Registrar::check_fleet_limits(const Applicant& applicant) {
  std::vector<forge::Allowance> allowances;
  allowances.push_back(allowance("peer/" + applicant.peer.to_base58(), rules_.peer_limit));
  const auto network = static_cast<std::uint64_t>(network_id(applicant.client));
  allowances.push_back(allowance(fmt::format("client/{:016x}", network), rules_.client_limit));
  const auto wait = co_await store_.admit(std::move(allowances), clocks_.wall());
  if (!wait) co_return refuse(verdict_of(wait.error()));
  if (*wait > 0us) co_return refuse(limited_for(*wait));
  co_return OrVerdict<void>();
}

async::Task<Registrar::OrVerdict<dial::Reached>> Registrar::reach(const Applicant& applicant, Agent requested_by,
                                                                  std::vector<std::string> addresses,
                                                                  async::Event& gone) {
  auto found = co_await dialling_.reach(applicant.peer, std::move(addresses), applicant.client, gone);
  if (!found) {
    journal_.not_reached(requested_by);
    co_return refuse(verdict_of(found.error(), gone.is_set()));
  }
  journal_.reached(applicant.peer, requested_by);
  co_return *std::move(found);
}

async::Task<Verdict> Registrar::store(const Applicant& applicant, const std::string& value,
                                      const dial::Reached& reached) {
  const forge::Challenge challenge{applicant.peer.multihash(), value, network_id(applicant.client)};
  const auto stored = co_await store_.put(challenge, clocks_.wall());
  if (!stored) co_return verdict_of(stored.error());
  Verdict verdict{Outcome::stored};
  verdict.detail = fmt::format("{}, {}, {}", reached.address.to_string(), reached.transport, reached.security);
  co_return verdict;
}

}  // namespace swage::plugins::broker
