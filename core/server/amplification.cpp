#include "core/server/amplification.h"

#include "core/cookie/cookie.h"
#include "core/log.h"
#include "core/prefix_set.h"

namespace swage::server {
namespace {

constexpr unsigned kV4Bits = 24, kV6Bits = 56;   // of a network, as BIND has them
constexpr std::int64_t kSecond = 1'000'000'000;  // nanoseconds

// Nobody outside can forge it.
bool is_loopback(const IpAddress& address) {
  if (!address.is_v6()) return address.bytes()[0] == 127;
  static const IpAddress kLoopback = *IpAddress::parse("::1");
  return address == kLoopback;
}

}  // namespace

AmplificationLimit::AmplificationLimit(const shm::Snapshot& secrets, shm::WorkerMemory& memory,
                                       metrics::Registry& metrics)
    : secrets_(secrets),
      table_(memory),
      limited_(metrics.counter("swage_large_answers_limited_total",
                               "Answers over UDP of more than three times their question that became empty ones with "
                               "TC, since their network had too many.")) {}

bool AmplificationLimit::has_left(const Query& query, const Block* block) {
  std::uint32_t rate = kLargeAnswers;
  if (block != nullptr) {
    rate = block->settings.large_answers;
    const PrefixSet* const exempt = block->settings.unlimited_clients;
    if (rate == 0 || (exempt != nullptr && exempt->contains(query.client.address))) return true;
  }
  if (is_loopback(query.client.address)) return true;
  const rates::KeyedHash hash(cookie::Secrets(secrets_.bytes()).hash_key());
  const std::uint64_t key = hash(rates::network_bits(query.client.address, kV4Bits, kV6Bits));
  const auto second = static_cast<std::uint32_t>(query.received / kSecond);
  if (table_.debit(key, {rate, 0}, second) >= 0) [[likely]]
    return true;
  limited_.add();
  if (log_.wants(key, second)) {
    log::warning(
        "large answers to the network of {} are limited: more than {} in a second without a cookie; more get TC",
        query.client.address.to_string(), rate);
  }
  return false;
}

}  // namespace swage::server
