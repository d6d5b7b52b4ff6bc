#include "plugins/bufsize/bufsize.h"

#include "core/dns/encode.h"

namespace swage::plugins::bufsize {
namespace {

constexpr std::uint16_t kMin = 512, kMax = 4096;  // bytes that may be configured

}  // namespace

Result<Outcome> Bufsize::serve(const Query& query, Response& response, Next next) const {
  Result<Outcome> outcome = next(query, response);
  if (query.transport == dns::Transport::udp && query.edns.present) {
    response.most_bytes = std::min(response.most_bytes, size_);
  }
  return outcome;
}

// bufsize [SIZE]
Result<> setup(Controller& controller) {
  controller.once();
  std::uint16_t size = dns::kUdpSize;
  if (controller.has_arg()) {
    TRY(size, controller.expect_number(kMin, kMax));
  }
  controller.add(std::make_unique<const Bufsize>(size));
  return {};
}

}  // namespace swage::plugins::bufsize
