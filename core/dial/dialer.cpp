#include "core/dial/dialer.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "core/async/semaphore.h"
#include "core/async/tasks.h"
#include "core/dial/race.h"
#include "core/dial/services.h"
#include "core/dial/upgrade.h"

namespace swage::dial {
namespace {

using async::Task;

constexpr std::size_t kMaxAgent = 64;                 // characters
constexpr std::chrono::milliseconds kGoodbye{1'000};  // for it to leave

// Enough for an identify message in each direction, and for a peer that asks us for as much.
constexpr libp2p::yamux::Limits kLimits{.inbound_streams = 8,
                                        .outbound_streams = 2,
                                        .unconsumed = std::size_t{128} << 10,
                                        .window = libp2p::yamux::kInitialWindow,
                                        .output = std::size_t{32} << 10};

// For a metric and a line of a log.
std::string printable(std::string_view agent) {
  std::string text(agent.substr(0, kMaxAgent));
  std::ranges::replace_if(text, [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return text;
}

// So many, or fewer where they would take more than a part of the descriptors that the process may have: those who ask
// for registrations have connections of their own.
std::size_t within_files(std::size_t wanted, std::size_t part) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return std::min<std::size_t>(wanted, limit.rlim_cur / part);
}

async::TlsContext make_wss_context() {
  auto context = async::TlsContext::unverified_client({"http/1.1"});
  CHECK(context);
  return *std::move(context);
}

}  // namespace

// Shared with the tasks of reach(), which may be destroyed after the Dialer.
struct Dialer::State {
  State(async::Loop& on, libp2p::PrivateKey identity, Settings chosen)
      : loop(on),
        settings(std::move(chosen)),
        upgrader(loop, std::move(identity)),
        means{loop, upgrader, make_wss_context(), settings.connect_timeout, settings.handshake_timeout},
        resolver(loop, settings.resolver),
        dials(loop, std::max<std::size_t>(within_files(settings.total, 4), 1)),
        identifications(loop, within_files(settings.identifications, 8)),
        ending(loop) {}

  void identify(Secured secured);
  [[nodiscard]] bool may_identify();
  [[nodiscard]] Task<> identify_within(Secured secured, async::Semaphore::Permit permit);
  [[nodiscard]] Task<Result<>> ask_agent(Secured secured);

  async::Loop& loop;
  Settings settings;
  Upgrader upgrader;
  Means means;
  async::Resolver resolver;
  async::Semaphore dials;
  async::Semaphore identifications;
  async::Event ending;
  std::int64_t second = 0;     // of the loop's time
  std::size_t identified = 0;  // in it, or tried
  std::optional<async::Tasks> background{std::in_place};
};

void Dialer::State::identify(Secured secured) {
  if (!settings.on_identified || !may_identify()) return;
  auto permit = identifications.try_acquire();
  if (permit) background->start(identify_within(std::move(secured), std::move(permit)));
}

bool Dialer::State::may_identify() {
  const std::int64_t now = loop.now() / 1'000'000'000;
  if (std::exchange(second, now) != now) identified = 0;
  return identified++ < settings.identifications_a_second;
}

Task<> Dialer::State::identify_within(Secured secured, async::Semaphore::Permit permit) {
  auto identifying = ask_agent(std::move(secured));
  co_await async::within(loop, settings.identify_timeout, std::move(identifying));
  static_cast<void>(permit);  // until here
}

Task<Result<>> Dialer::State::ask_agent(Secured secured) {
  const libp2p::PeerId peer = secured.peer;
  CO_TRY(const auto connection, co_await upgrader.multiplex(std::move(secured), Side::dialler, kLimits));
  async::Tasks serving;  // a peer may ask first, and wait for the answer: it is "not available"
  serving.start(serve(loop, *connection, Services()));
  CO_TRY(const auto message, co_await ask_identity(*connection));
  const std::string agent = printable(message.agent_version.value_or(""));
  if (!agent.empty()) settings.on_identified(peer, agent);
  co_await connection->finish(kGoodbye);
  co_return {};
}

Dialer::Dialer(async::Loop& loop, libp2p::PrivateKey identity, Settings settings)
    : state_(std::make_shared<State>(loop, std::move(identity), std::move(settings))) {}

Dialer::~Dialer() {
  state_->ending.set();
  state_->background.reset();
}

Task<std::expected<Reached, DialError>> Dialer::reach(libp2p::PeerId peer, std::vector<std::string> addresses,
                                                      async::Event& cancel) {
  const std::shared_ptr<State> state = state_;
  const Track track(state->settings, state->means, state->resolver, state->dials, state->ending);
  std::optional<Race> race(std::in_place, track, peer);
  auto outcome = co_await race->run(addresses, cancel);
  race.reset();  // closes the others
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  Reached reached(std::move(outcome->target.address), std::string(to_string(outcome->target.transport)),
                  outcome->secured.security);
  if (state->background) state->identify(std::move(outcome->secured));
  co_return reached;
}

std::size_t Dialer::dialling() const { return state_->dials.taken(); }

std::size_t Dialer::identifying() const { return state_->identifications.taken(); }

}  // namespace swage::dial
