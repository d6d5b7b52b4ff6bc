#include "plugins/ready/ready.h"

#include <algorithm>

#include "core/log.h"

namespace swage::plugins::ready {

http::Response ReadyService::answer() {
  if (host_->shutting_down()) return text_response(503, "Shutting down");
  std::vector<std::string> unready = host_->unready();
  if (monitor_ == Monitor::until_ready) {
    const auto was_ready = [this](const std::string& name) {
      return never_ && std::ranges::find(*never_, name) == never_->end();
    };
    std::erase_if(unready, was_ready);
    never_ = unready;
  }
  if (unready.empty()) return text_response(200, "OK");
  std::string names;
  for (const std::string& each : unready) names += (names.empty() ? "" : ",") + each;
  log::info("plugin/ready: not ready: {}", names);
  return text_response(503, std::move(names));
}

async::Task<Result<>> ReadyService::run(Host& host) {
  host_ = &host;
  return endpoint_.run(host);
}

Result<> setup(Controller& controller) {
  controller.once();
  TRY(std::vector<Endpoint> endpoints, read_http_address(controller, ":8181"));
  auto monitor = ReadyService::Monitor::until_ready;
  TRY(controller.read_block({{"monitor", [&]() -> Result<> {
                                TRY(const std::string_view kind, controller.one_of({"until-ready", "continuously"}));
                                if (kind == "continuously") monitor = ReadyService::Monitor::continuously;
                                return {};
                              }}}));
  controller.block().reports_ready = true;
  if (!endpoints.empty()) controller.add(std::make_unique<ReadyService>(std::move(endpoints), monitor));
  return {};
}

}  // namespace swage::plugins::ready
