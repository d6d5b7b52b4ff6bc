// Requests of any bytes through the whole way of a query: parse, route, plugins, encode; over UDP and TCP.
#include <array>

#include "core/server/configuration.h"
#include "core/server/responder.h"
#include "plugins/plugins.h"

namespace {

using namespace swage;

server::Configuration make_configuration() {
  config::Sources sources;
  sources.add("Corefile",
              "libp2p.direct {\n errors\n any\n nsid x\n ipsubdomain\n file zones/libp2p.direct\n}\n"
              "example.org {\n transfer {\n  to *\n }\n file zones/example.org\n}\n. {\n chaos\n whoami\n}\n");
  Result<server::Configuration> configuration = server::configure(sources, "Corefile", plugins::all(), 53);
  CHECK(configuration);
  for (const server::NamedService& each : configuration->services) CHECK(each.service->prepare());
  return *std::move(configuration);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const server::Configuration configuration = make_configuration();
  static const server::Router& router = configuration.listeners.begin()->second;
  static server::Responder responder;
  static std::array<std::uint8_t, 65535> out;
  for (const dns::Transport transport : {dns::Transport::udp, dns::Transport::tcp}) {
    const std::size_t written = responder.respond(router, {data, size}, {transport, {}, {}, 0}, out);
    CHECK(written == 0 || written >= 12);
    CHECK(transport == dns::Transport::tcp || written <= 1232);
    if (transport == dns::Transport::udp || written == 0 || !responder.has_following()) continue;
    server::Following following = responder.take_following();
    while (responder.next(following, {transport, {}, {}, 0}, out).value_or(0) > 0) continue;
  }
  return 0;
}
