#include "core/dial/dialer.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "core/async/semaphore.h"
#include "core/async/shares.h"
#include "core/async/tasks.h"
#include "core/crypto/random.h"
#include "core/dial/dialled_stream.h"
#include "core/dial/network.h"
#include "core/dial/own_addresses.h"
#include "core/dial/race.h"
#include "core/dial/services.h"
#include "core/dial/upgrade.h"
#include "core/text.h"

namespace swage::dial {
namespace {

using async::Task;

constexpr std::int64_t kLookAtOwn = 1'000'000'000;      // nanoseconds between two looks at our own addresses
constexpr std::size_t kMaxAgent = 64;                   // characters
constexpr std::chrono::milliseconds kGoodbye{1'000};    // for it to leave
constexpr std::chrono::milliseconds kCuriosity{2'000};  // for the peer to ask who we are
constexpr std::chrono::milliseconds kMoment{10};        // between two looks whether its streams have ended
constexpr std::chrono::milliseconds kLinger{2'000};     // for it to close first, as those do who are told to go away

// Enough for an identify message in each direction, and for a peer that asks us for as much.
constexpr libp2p::yamux::Limits kLimits{.inbound_streams = 8,
                                        .outbound_streams = 2,
                                        .unconsumed = std::size_t{128} << 10,
                                        .window = libp2p::yamux::kInitialWindow,
                                        .output = std::size_t{32} << 10};

// For a metric and a line of a log.
std::string name_of_agent(std::string_view agent) { return printable(agent.substr(0, kMaxAgent)); }

// So many, or fewer where they would take more than a part of the descriptors that the process may have: those who ask
// for registrations have connections of their own.
std::size_t within_files(std::size_t wanted, std::size_t part) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return std::min<std::size_t>(wanted, limit.rlim_cur / part);
}

}  // namespace

// Shared with the tasks of reach(), which may be destroyed after the Dialer.
struct Dialer::State {
  State(async::Loop& on, libp2p::PrivateKey identity, Settings chosen)
      : loop(on),
        settings(std::move(chosen)),
        upgrader(loop, std::move(identity)),
        target_dialer(loop, upgrader, {settings.connect_timeout, settings.handshake_timeout}),
        resolver(loop, settings.resolver),
        races(loop, settings.races),
        dials(loop, std::max<std::size_t>(within_files(settings.total, 4), 1)),
        lookups(loop, settings.resolver.lookups),
        limits(settings.network_limit, settings.foreign_limit, make_seed(random)),
        identifications(loop, within_files(settings.identifications, 8)),
        ending(loop) {}

  void look_at_own_addresses();
  void identify(Dialled dialled);
  [[nodiscard]] bool may_identify();
  [[nodiscard]] Task<> identify_within(Dialled dialled, async::Semaphore::Permit permit);
  [[nodiscard]] Task<Result<>> ask_agent(Dialled dialled);
  [[nodiscard]] Services own_services() const;

  async::Loop& loop;
  Settings settings;
  Upgrader upgrader;
  TargetDialer target_dialer;
  async::Resolver resolver;
  async::Shares races, dials, lookups;
  crypto::SystemRandom random;
  TargetLimits limits;
  std::optional<std::int64_t> looked;  // at our own addresses, by the loop's time
  async::Semaphore identifications;
  async::Event ending;
  std::int64_t second = 0;     // of the loop's time
  std::size_t identified = 0;  // in it, or tried
  std::optional<async::Tasks> background{std::in_place};
};

// As they are now: they may come and go.
void Dialer::State::look_at_own_addresses() {
  if (looked && loop.now() - *looked < kLookAtOwn) return;
  looked = loop.now();
  if (auto own = own_addresses()) settings.policy.set_own(*std::move(own));
}

void Dialer::State::identify(Dialled dialled) {
  if (!settings.on_identified || !may_identify()) return;
  auto permit = identifications.try_acquire();
  if (permit) background->start(identify_within(std::move(dialled), std::move(permit)));
}

bool Dialer::State::may_identify() {
  const std::int64_t now = loop.now() / 1'000'000'000;
  if (std::exchange(second, now) != now) identified = 0;
  return identified++ < settings.identifications_a_second;
}

Task<> Dialer::State::identify_within(Dialled dialled, async::Semaphore::Permit permit) {
  auto identifying = ask_agent(std::move(dialled));
  co_await async::within(loop, settings.identify_timeout, std::move(identifying));
  static_cast<void>(permit);  // until here
}

// Peers ask who we are as soon as they are connected, and some log a warning where the connection ends before they
// know.
Task<Result<>> Dialer::State::ask_agent(Dialled dialled) {
  const libp2p::PeerId peer = dialled.secured.peer;
  dialled.carrier.end_in_order();  // however it ends: a peer that has proven itself does not see a reset
  CO_TRY(const auto connection, co_await upgrader.multiplex(std::move(dialled.secured), Side::dialler, kLimits));
  async::Event told(loop);
  async::Tasks serving;
  Services services = own_services();
  services.identified = &told;
  serving.start(serve(loop, *connection, std::move(services)));
  CO_TRY(const auto message, co_await ask_identity(*connection));
  const std::string agent = name_of_agent(message.agent_version.value_or(""));
  if (!agent.empty()) settings.on_identified(peer, agent);
  co_await async::wait_for(told, kCuriosity);
  for (int i = 0; i < 20 && connection->streams() > 0; ++i) co_await async::sleep(loop, kMoment);
  co_await connection->finish(kGoodbye, kLinger);
  co_return {};
}

Services Dialer::State::own_services() const {
  libp2p::identify::Message message;
  message.protocol_version = "ipfs/0.1.0";
  message.agent_version = settings.agent;
  message.public_key = upgrader.identity().to_protobuf();
  message.protocols = {std::string(libp2p::identify::kProtocol)};
  Services services;
  services.identify = std::move(message);
  return services;
}

Dialer::Dialer(async::Loop& loop, libp2p::PrivateKey identity, Settings settings)
    : state_(std::make_shared<State>(loop, std::move(identity), std::move(settings))) {}

Dialer::~Dialer() {
  state_->ending.set();
  state_->background.reset();
}

Task<std::expected<Reached, DialError>> Dialer::reach(libp2p::PeerId peer, std::vector<std::string> addresses,
                                                      IpAddress client, async::Event& cancel) {
  const std::shared_ptr<State> state = state_;
  if (cancel.is_set() || state->ending.is_set()) {
    co_return std::unexpected(DialError(DialError::Kind::cancelled, "cancelled"));
  }
  const Prefix network = network_of(client);
  if (!state->races.has_room(network)) {
    co_return std::unexpected(DialError(DialError::Kind::busy, "too many registrations at once"));
  }
  async::Event wanted(state->loop);
  std::optional<async::Shares::Place> place;
  place.emplace(co_await state->races.acquire(network, wanted));
  state->look_at_own_addresses();
  const RaceResources resources(state->loop, state->settings, state->target_dialer, state->resolver, state->dials,
                                state->lookups, state->limits, state->ending);
  const std::int64_t began = state->loop.now();
  std::optional<Race> race(std::in_place, resources, peer, client);
  auto outcome = co_await race->run(addresses, cancel, wanted);
  const std::chrono::nanoseconds answer_time = race->answer_time();
  race.reset();  // closes the others
  place.reset();
  if (!outcome) {
    const auto rest = answer_time - std::chrono::nanoseconds(state->loop.now() - began);
    auto waiting = async::wait_for(state->ending, std::chrono::ceil<std::chrono::milliseconds>(rest));
    if (rest.count() > 0) co_await async::until(cancel, std::move(waiting));
    co_return std::unexpected(std::move(outcome).error());
  }
  Reached reached(std::move(outcome->target.address), std::string(to_string(outcome->target.transport)),
                  outcome->dialled.secured.security);
  if (state->background) state->identify(std::move(outcome->dialled));
  co_return reached;
}

bool Dialer::has_room(const IpAddress& client) { return state_->races.has_room(network_of(client)); }

std::size_t Dialer::racing() const { return state_->races.taken(); }

std::size_t Dialer::dialling() const { return state_->dials.taken(); }

std::size_t Dialer::identifying() const { return state_->identifications.taken(); }

}  // namespace swage::dial
