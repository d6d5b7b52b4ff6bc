#include "plugins/loop/loop.h"

#include <algorithm>
#include <chrono>

#include <fmt/ranges.h>

#include "core/crypto/random.h"
#include "core/dns/decode.h"
#include "core/upstream/nameserver.h"

namespace swage::plugins::loop {
namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 2s;  // where nothing came
constexpr int kTries = 15;
constexpr auto kTime = 6s;  // longer than forward takes
constexpr std::int64_t kLongest = std::chrono::nanoseconds(30s).count();

// An address of the listener that this machine can ask.
Endpoint reachable(Endpoint at) {
  if (!at.address.is_unspecified()) return at;
  std::array<std::uint8_t, 16> v6{};
  v6[15] = 1;
  constexpr std::array<std::uint8_t, 4> kV4{127, 0, 0, 1};
  at.address = at.address.is_v6() ? IpAddress::v6(v6) : IpAddress::v4(kV4);
  return at;
}

}  // namespace

Result<Outcome> Loop::serve(const Query& query, Response& response, Next next) const {
  const Bytes probe = probe_.bytes();
  if (query.qtype != dns::Type::hinfo || probe.size() <= kSecret + kProof) return next(query, response);
  const Bytes name = probe.subspan(kSecret + kProof);
  if (query.key != dns::NameView(name.data(), name.size())) return next(query, response);
  if (std::ranges::equal(query.edns.option(kOption), probe.first(kSecret))) return next(query, response);
  return answer_record(query, response, dns::Type::hinfo, 0, probe.subspan(kSecret, kProof));
}

Result<> Probe::prepare() {
  TRY(make_name());
  crypto::SystemRandom().fill(secret_);
  std::array<std::uint8_t, 16> random{};
  crypto::SystemRandom().fill(random);
  const std::string proof = fmt::format("\x05swage\x20{:02x}", fmt::join(random, ""));
  std::ranges::copy(as_bytes(proof), proof_.begin());
  TRY(shm::Segment memory, shm::Segment::create("swage loop", kSecret + kProof + name_.size()));
  std::ranges::copy(secret_, memory.writable_bytes().begin());
  std::ranges::copy(proof_, memory.writable_bytes().begin() + kSecret);
  std::ranges::copy(name_.view().bytes(), memory.writable_bytes().begin() + kSecret + kProof);
  return snapshot_.publish(std::move(memory));
}

// That it did the answer shows, which only a dns process of ours can give.
bool Probe::came_back(Bytes message) const {
  Response response;
  if (!dns::decode(message, response)) return false;
  return std::ranges::any_of(response.answer, [this](const dns::Record& record) {
    return record.type == dns::Type::hinfo && std::ranges::equal(record.rdata, proof_);
  });
}

// Two numbers below the zone.
Result<> Probe::make_name() {
  name_ = zone_;
  for (int i = 0; i < 2; ++i) {
    std::array<std::uint8_t, 8> random{};
    crypto::SystemRandom().fill(random);
    const std::string label = fmt::format("{}{}", load_u32(random.data()), load_u32(&random[4]));
    TRY(name_, name_.child(as_bytes(label)));
  }
  return {};
}

async::Task<Result<>> Probe::run(Host& host) {
  crypto::SystemRandom random;
  const upstream::Way way{.to = reachable(at_)};
  upstream::Nameserver self(host.loop(), way, random);
  std::array<std::uint8_t, 4 + kSecret> option{};
  store_u16(option.data(), kOption);
  store_u16(&option[2], kSecret);
  std::ranges::copy(secret_, option.begin() + 4);
  const upstream::Question question{.name = name_, .type = dns::Type::hinfo};
  const std::int64_t end = host.loop().now() + kLongest;
  for (int tries = 0; tries < kTries && host.loop().now() < end; ++tries) {
    const Bytes options(option);
    const Result<std::vector<std::uint8_t>> answer = co_await self.ask(question, kTime, options);
    if (answer) {
      found_ = came_back(*answer);
      if (found_) tell(host);
      break;
    }
    const bool stopping = co_await host.stopping(kPause);
    if (stopping) break;
  }
  co_return Result<>();
}

void Probe::tell(Host& host) const {
  const std::string text = fmt::format(
      "plugin/loop: \"HINFO IN {}\" came back to {}: what is forwarded of zone \"{}\" ends up here again, and gets no "
      "answer; plugins/loop/README.md says what to do",
      name_.to_string(), at_.to_string(), zone_.to_string());
  if (on_loop_ == OnLoop::exit) return host.end_server(text);
  log::error("{}", text);
}

// loop [exit|log]
Result<> setup(Controller& controller) {
  controller.once();
  std::string_view on_loop = "exit";
  if (controller.has_arg()) {
    TRY(on_loop, controller.one_of({"exit", "log"}));
  }
  const std::vector<Listener> listeners = controller.block().listeners();
  const auto plain = std::ranges::find(listeners, Scheme::dns, &Listener::scheme);
  if (plain == listeners.end()) return {};  // what is forwarded to it over TLS is not looked for
  const Endpoint at = plain->endpoint;
  const dns::Name zone = controller.zones().front();
  std::string name = fmt::format("loop {} at {}", zone.to_string(), at.to_string());
  if (!controller.block().view.empty()) name += " view " + controller.block().view;
  shm::Snapshot& probe = controller.snapshot(name);
  controller.add(std::make_unique<const Loop>(probe));
  if (probe.claim())
    controller.add(std::make_unique<Probe>(probe, zone, at, on_loop == "exit" ? OnLoop::exit : OnLoop::log));
  return {};
}

}  // namespace swage::plugins::loop
