#include "plugins/broker/registration.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "core/http/forwarded.h"
#include "core/libp2p/multiaddr.h"
#include "core/log.h"
#include "plugins/broker/respond.h"

namespace swage::plugins::broker {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMostLines = 100;                   // of the log, a second
constexpr std::int64_t kIdentify = 6'000;                   // milliseconds: longer than identify may take
constexpr std::string_view kGone = "the client went away";  // for who closes but his half
constexpr std::string_view kUnreachable = "peer is not reachable at any submitted address";
constexpr std::string_view kOtherTransports = "none of the addresses is TCP or WebSocket, and no others are dialled";

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

crypto::Digest seed_of(crypto::Random& random) {
  crypto::Digest seed;
  random.fill(seed);
  return seed;
}

// What strangers may have written, on one line, and harmless to terminals.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

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

// The same number in every process and after every restart.
shm::NetworkId network_id(const IpAddress& client) {
  std::uint64_t id = client.is_v6() ? 6 : 4;
  for (const std::uint8_t byte : client_network(client)) id = id << 8 | byte;
  return shm::NetworkId{id};
}

Measures::Result result_of(unsigned status, std::string_view text) {
  if (text == kGone) return Measures::Result::gone;
  if (text == kUnreachable || text == kOtherTransports) return Measures::Result::unreachable;
  switch (status) {
    case 200:
      return Measures::Result::ok;
    case 403:
      return Measures::Result::forbidden;
    case 429:
      return Measures::Result::limited;
    case 503:
      return Measures::Result::unavailable;
    default:
      return Measures::Result::invalid;
  }
}

}  // namespace

Clocks Clocks::system() {
  return {[] { return read_clock(CLOCK_REALTIME); }, [] { return read_clock(CLOCK_MONOTONIC); }};
}

Registrar::Registrar(Rules rules, libp2p::PeerIdAuth auth, forge::ChallengeStore store, Reach reach, Clocks clocks,
                     crypto::Random& random)
    : rules_(std::move(rules)),
      authentication_(std::move(auth), rules_.client_limit, rules_.measures, rules_.name, random),
      store_(store),
      reach_(std::move(reach)),
      clocks_(clocks),
      peers_(rules_.peer_limit, seed_of(random)),
      clients_(rules_.client_limit, seed_of(random)),
      lines_(rules_.name, kMostLines) {}

async::Task<http::Response> Registrar::answer(http::Request request, http::Caller& caller) {
  const IpAddress client = http::client_address(caller.address, request.fields, rules_.trusted_proxies);
  auto who = authentication_.authenticate(request, client, {clocks_.wall(), clocks_.steady()});
  if (!who) co_return std::move(who).error();

  const Applicant applicant{who->peer, client, caller.address};
  const std::int64_t began = clocks_.steady();
  const Verdict verdict = co_await decide(request, applicant, caller.gone);
  log(applicant, verdict, began);
  rules_.measures.decided(result_of(verdict.status, verdict.text));

  http::Response response = respond(verdict.status, verdict.text);
  if (!who->authentication_info.empty()) {
    response.fields.add("Authentication-Info", std::move(who->authentication_info));
  }
  if (verdict.retry_after != 0s) response.fields.add("Retry-After", std::to_string(verdict.retry_after.count()));
  co_return response;
}

async::Task<Registrar::Verdict> Registrar::decide(const http::Request& request, const Applicant& applicant,
                                                  async::Event& gone) {
  std::expected<RegistrationBody, Verdict> body = check(request);
  if (!body) co_return std::move(body).error();
  if (std::optional<Verdict> refused = denied(request, applicant, *body)) co_return *std::move(refused);
  if (std::optional<Verdict> refused = admit(applicant)) co_return *std::move(refused);
  const Counted counted(dialling_);
  const Agent agent = agent_of(request.fields.find("User-Agent").value_or(""));
  const auto found = co_await reach_(applicant.peer, std::move(body->addresses), applicant.client, gone);
  if (found) {
    reached(applicant.peer, agent);
    co_return store(applicant, body->value, *found);
  }
  rules_.measures.probed(false, agent);
  const std::string& why = found.error().text();
  if (gone.is_set()) co_return Verdict(400, std::string(kGone), 0s, why);
  switch (found.error().kind()) {
    case dial::DialError::Kind::busy:
      co_return Verdict(503, "too many registrations at the moment", 5s, why);
    case dial::DialError::Kind::cancelled:
      co_return Verdict(503, "the registration was ended", 1s, why);
    case dial::DialError::Kind::limited:
      co_return Verdict(429, "the addresses' network is dialled too often", found.error().retry_after(), why);
    case dial::DialError::Kind::other_transports:
      co_return Verdict(400, std::string(kOtherTransports), 0s, why);
    default:
      co_return Verdict(400, std::string(kUnreachable), 0s, why);
  }
}

// What can be said without asking anybody.
std::expected<RegistrationBody, Registrar::Verdict> Registrar::check(const http::Request& request) const {
  if (request.method != "POST") return std::unexpected(Verdict{400, "only POST registers"});
  if (!has_access(request)) return std::unexpected(Verdict{403, "Forge-Authorization is missing or wrong"});
  if (request.body_too_large) return std::unexpected(Verdict{413, "the body is too large"});
  std::expected<RegistrationBody, std::string_view> body = parse_registration_body(request.body);
  if (!body) return std::unexpected(Verdict{400, std::string(body.error())});
  return *std::move(body);
}

// Nobody registers from an address that is denied, nor for one. Every address on the request's way counts, whether its
// proxies are trusted or not: what a client adds can only deny it. Names are not resolved for this. The words are
// p2p-forge's, which asks for the connection's address and the leftmost forwarded one.
std::optional<Registrar::Verdict> Registrar::denied(const http::Request& request, const Applicant& applicant,
                                                    const RegistrationBody& body) const {
  if (!rules_.denylist.has_lists()) return std::nullopt;
  const auto look = [this](const char* whose, const IpAddress& address) -> std::optional<Verdict> {
    const auto listed = rules_.denylist.find(address);
    if (!listed || !listed->denied()) return std::nullopt;
    const std::string why = fmt::format("{} IP {} blocked by {}", whose, address.to_string(), listed->name);
    return Verdict{403, "403 Forbidden: " + why, 0s, why};
  };
  for (const IpAddress& each : http::forwarded_addresses(request.fields)) {
    if (auto verdict = look("client", each)) return verdict;
  }
  if (auto verdict = look("client", applicant.connection)) return verdict;
  for (const std::string& text : body.addresses) {
    const auto address = libp2p::Multiaddr::parse(text);
    if (!address) continue;
    for (const auto& component : address->components()) {
      const auto ip = component.ip();
      if (!ip) continue;
      if (auto verdict = look("multiaddr", *ip)) return verdict;
    }
  }
  return std::nullopt;
}

bool Registrar::has_access(const http::Request& request) const {
  if (!rules_.access_token) return true;
  const auto token = request.fields.find("Forge-Authorization");
  return token && crypto::equal(as_bytes(*token), rules_.access_token->bytes());
}

// The limits. Both have to let the applicant through; only then does either count him.
std::optional<Registrar::Verdict> Registrar::admit(const Applicant& applicant) {
  const std::chrono::milliseconds now(clocks_.steady());
  const Bytes network = client_network(applicant.client);
  const auto wait = std::max(peers_.wait(applicant.peer.multihash(), now), clients_.wait(network, now));
  if (wait > 0us) return Verdict{429, "too many registrations", std::chrono::ceil<std::chrono::seconds>(wait)};
  if (!rules_.has_room(applicant.client)) return Verdict{503, "too many registrations at the moment", 5s};
  peers_.count(applicant.peer.multihash(), now);
  clients_.count(network, now);
  return std::nullopt;
}

Registrar::Verdict Registrar::store(const Applicant& applicant, const std::string& value,
                                    const dial::Reached& reached) {
  const auto stored = store_.put(applicant.peer.multihash(), value, network_id(applicant.client), clocks_.wall());
  if (!stored && stored.error() == forge::ChallengeError::share) {
    return {429, "the store has no more room for this network", 60s, std::string(to_string(stored.error()))};
  }
  if (!stored && stored.error() == forge::ChallengeError::moved) {
    return {503, "the configuration has just changed", 1s, std::string(to_string(stored.error()))};
  }
  if (!stored) {
    const bool full = stored.error() == forge::ChallengeError::full;
    return {503, full ? "the store has no room" : "the store is not available", 60s,
            std::string(to_string(stored.error()))};
  }
  return {200, "", 0s, fmt::format("{}, {}, {}", reached.address.to_string(), reached.transport, reached.security)};
}

void Registrar::log(const Applicant& applicant, const Verdict& verdict, std::int64_t began) {
  if (!lines_.may_log(clocks_.steady())) return;
  const std::string outcome = verdict.text == kGone ? verdict.text : std::to_string(verdict.status);
  log::info("plugin/{}: {} from {}: {} after {} ms: {}", rules_.name, applicant.peer.to_base58(),
            applicant.client.to_string(), outcome, clocks_.steady() - began,
            printable(verdict.detail.empty() ? verdict.text : verdict.detail));
}

void Registrar::identified(const libp2p::PeerId& peer, std::string_view agent) {
  const auto known = std::ranges::find(unidentified_, peer, &Unidentified::peer);
  if (known != unidentified_.end()) {
    rules_.measures.probed(true, agent_of(agent));
    unidentified_.erase(known);
  }
  if (!lines_.may_log(clocks_.steady())) return;
  log::info("plugin/{}: {} is {}", rules_.name, peer.to_base58(), printable(std::string(agent)));
}

void Registrar::reached(const libp2p::PeerId& peer, Agent agent) {
  measure();
  unidentified_.push_back({peer, agent, clocks_.steady()});
}

// Those that were reached before this time have not said what they are.
void Registrar::count_unidentified(std::int64_t before) {
  while (!unidentified_.empty() && unidentified_.front().since < before) {
    rules_.measures.probed(true, unidentified_.front().agent);
    unidentified_.pop_front();
  }
}

void Registrar::measure() { count_unidentified(clocks_.steady() - kIdentify); }

Registrar::~Registrar() { count_unidentified(INT64_MAX); }

}  // namespace swage::plugins::broker
