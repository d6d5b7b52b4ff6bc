#include "plugins/nsid/nsid.h"

#include <fmt/ranges.h>

#include "core/net.h"

namespace swage::plugins::nsid {
namespace {

constexpr std::size_t kMaxData = 255;  // bytes; what a client gets for asking must stay small

}  // namespace

Result<Outcome> Nsid::serve(const Query& query, Response& response, Next next) const {
  TRY(const Outcome outcome, next(query, response));
  if (query.edns.has_option(dns::kOptionNsid)) response.options.push_back({dns::kOptionNsid, as_bytes(data_)});
  return outcome;
}

Result<> setup(Controller& controller) {
  controller.once();
  const std::vector<std::string> words = controller.remaining_args();
  std::string data = words.empty() ? host_name() : fmt::format("{}", fmt::join(words, " "));
  if (data.size() > kMaxData) {
    return controller.fail("{} bytes of data, but at most {} can be sent", data.size(), kMaxData);
  }
  controller.add(std::make_unique<const Nsid>(std::move(data)));
  return {};
}

}  // namespace swage::plugins::nsid
