#include "plugins/broker/verification_limit.h"

#include <algorithm>

#include "core/libp2p/auth_token.h"

namespace swage::plugins::broker {
namespace {

using namespace std::chrono_literals;
using Micros = VerificationLimit::Micros;

constexpr Micros kDear = 400us;  // and above
// Of a network: at first 100 ms, and then 2 ms a second; in all 600 ms, and 250 ms a second of one core.
constexpr Micros kOfNetwork = 100ms, kOfAll = 600ms;
constexpr std::chrono::milliseconds kNetworkFills = 50s, kAllFills = 2400ms;
constexpr std::uint32_t kLoginsEach = 2;  // of a registration
constexpr Micros kCheap = 300us;          // the dearest of the cheap ones

// As much as its registrations need, and no less than above.
dial::Rate network_rate(dial::Rate clients) {
  if (clients.count == 0) return {};
  const std::uint64_t needed = std::uint64_t{clients.count} * kLoginsEach * static_cast<std::uint64_t>(kCheap.count());
  const dial::Rate usual{static_cast<std::uint32_t>(kOfNetwork.count()), kNetworkFills};
  const auto usual_in_that_time = static_cast<std::uint64_t>(usual.count) *
                                  static_cast<std::uint64_t>(clients.per.count()) /
                                  static_cast<std::uint64_t>(usual.per.count());
  if (needed <= usual_in_that_time) return usual;
  const std::uint64_t per = static_cast<std::uint64_t>(clients.per.count()) * usual.count / needed;
  return {usual.count, std::chrono::milliseconds(std::max<std::uint64_t>(per, kOfNetwork / 1ms))};
}

constexpr dial::Rate kAllRate{static_cast<std::uint32_t>(kOfAll.count()), kAllFills};
constexpr dial::Rate kFirstRate{1, 1min};  // of a network's dear keys, before all others
constexpr dial::Rate kTokenRate{1, libp2p::kChallengeLife};

crypto::Digest other_seed(const crypto::Digest& seed, std::string_view use) {
  return crypto::hmac_sha256(seed, as_bytes(use));
}

}  // namespace

VerificationLimit::VerificationLimit(dial::Rate clients, const crypto::Digest& seed)
    : network_rate_(network_rate(clients)),
      networks_(network_rate_, other_seed(seed, "networks")),
      firsts_(clients.count == 0 ? dial::Rate{} : kFirstRate, other_seed(seed, "firsts")),
      all_(kAllRate, other_seed(seed, "all"), 1),
      tokens_(kTokenRate, other_seed(seed, "tokens")) {}

VerificationLimit::Answer VerificationLimit::ask(Bytes network, Micros cost, Time now) {
  const std::int64_t tokens = cost.count(), most = network_rate_.count;
  const bool dear = cost >= kDear;
  const Micros own = networks_.wait(network, now, tokens + (dear ? most / 2 : 0));
  if (own > 0us) return {Short::network, own};

  const bool first = dear ? firsts_.wait(network, now) == 0us : networks_.wait(network, now, most) == 0us;
  const int thirds = (dear ? 1 : 0) + (first ? 0 : 1);  // of all, that must be left
  if (thirds > 0) {
    const Micros others = all_.wait({}, now, tokens + thirds * kOfAll.count() / 3);
    if (others > 0us) return {Short::all, others};
    all_.count({}, now, tokens);
  }
  networks_.count(network, now, tokens);
  if (dear) firsts_.count(network, now);
  return {};
}

VerificationGate::Leave VerificationGate::ask(std::string_view token, std::chrono::microseconds cost) {
  if (limit_.spent(token, now_)) return Leave::spent;
  answer_ = limit_.ask(network_, cost, now_);
  return answer_.what == VerificationLimit::Short::nobody ? Leave::granted : Leave::postponed;
}

}  // namespace swage::plugins::broker
