#include "core/acme/renewal.h"

#include <algorithm>

#include "core/crypto/hash.h"

namespace swage::acme {
namespace {

using std::chrono::seconds;

constexpr seconds kAfterRefusal{60}, kMostAfterRefusal{12 * 3600};
constexpr seconds kAfterFault{5}, kMostAfterFault{600};
constexpr seconds kMostSaid{86400};

// From 0 to 1, by the certificate.
double share_of(const crypto::Issued& issued) {
  const crypto::Digest digest = crypto::sha256(issued.public_key);
  return static_cast<double>(load_u32(digest.data())) / 4294967296.0;
}

}  // namespace

std::int64_t renewal_time(const crypto::Issued& issued, const std::optional<RenewalInfo>& suggested) {
  const double share = share_of(issued);
  const std::int64_t life = std::max<std::int64_t>(issued.not_after - issued.not_before, 0);
  if (suggested) {
    const double width = static_cast<double>(suggested->end - suggested->start);
    const std::int64_t time = suggested->start + static_cast<std::int64_t>(share * width);
    return std::min(time, issued.not_after - life / 6);
  }
  return issued.not_after - life / 3 - static_cast<std::int64_t>(share * static_cast<double>(life) / 20);
}

seconds pause_after(unsigned failures, const Failure& last, double share) {
  const seconds first = last.refused ? kAfterRefusal : kAfterFault;
  const seconds most = last.refused ? kMostAfterRefusal : kMostAfterFault;
  const seconds doubled = first * (1U << std::min(failures > 0 ? failures - 1 : 0U, 16U));
  const auto varied = seconds(static_cast<std::int64_t>(static_cast<double>(std::min(doubled, most).count()) *
                                                        (0.75 + 0.5 * std::clamp(share, 0.0, 1.0))));
  return std::max({varied, std::min(last.retry_after, kMostSaid), seconds(1)});
}

}  // namespace swage::acme
