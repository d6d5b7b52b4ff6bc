#include "plugins/bufsize/bufsize.h"

#include "core/config/values.h"
#include "core/dns/encode.h"

namespace swage::plugins::bufsize {
namespace {

constexpr std::uint16_t kLeast = 512, kMost = 4096;  // bytes that may be configured

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
  controller.next();
  std::uint16_t size = dns::kUdpSize;
  if (controller.next_arg()) {
    const auto read = config::parse_integer(controller.val(), kLeast, kMost);
    if (!read) return std::unexpected(controller.error("bufsize: {}", read.error().text()));
    size = *read;
  }
  TRY(controller.expect_end());
  if (controller.next_block()) return std::unexpected(controller.error("directive 'bufsize' has no block"));
  if (controller.next()) return std::unexpected(controller.error("directive 'bufsize' twice in a server block"));
  controller.add(std::make_unique<const Bufsize>(size));
  return {};
}

}  // namespace swage::plugins::bufsize
