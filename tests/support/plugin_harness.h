// Plugins without a server: a Corefile becomes the chain that the server would make of it, and queries written as text
// get their answers as text.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/plugin/plugin.h"
#include "core/server/configuration.h"
#include "core/server/responder.h"
#include "tests/support/dns_client.h"

namespace swage::tests {

class PluginHarness {
 public:
  // Plays the plugins after those of the Corefile, at the end of every chain.
  using Rest = std::function<Result<Outcome>(const Query&, Response&)>;

  // Ends the test run where the Corefile is refused. `plugins` in chain order.
  PluginHarness(std::span<const PluginType> plugins, std::string_view corefile, Rest rest = {});

  // Why the Corefile is refused ("Corefile:2: …"); empty where it is accepted.
  [[nodiscard]] static std::string setup_error(std::span<const PluginType> plugins, std::string_view corefile);

  // The answer to "www.example.org. A", in the form of response_text(); "drop", "later: KEY", "error: TEXT". Behind the
  // type may come "do" (EDNS with the DO bit), "nsid" (EDNS with that option), "size=4096" (EDNS with that UDP size),
  // "subnet=192.0.2.0/24" (EDNS with that client subnet),
  // "rd" (the flag), "notify" (the opcode) and a class. Observers see it sent. REQUIRES: the name is in a server block.
  [[nodiscard]] std::string ask(std::string_view text);

  // Has the services publish what queries need, as the service process does before the first one; the error of the
  // first that fails, or nothing.
  [[nodiscard]] std::string prepare() const;
  // The first one. REQUIRES: there is one.
  [[nodiscard]] Service& service() const { return *configuration_.services.front().service; }

  // Why the next queries cannot wait for what has to be fetched: Fetch::later() says it.
  void refuse_later(dns::Later::Refusal refusal) { response_.later.refusal = refusal; }

  // What was counted and measured, in Prometheus's text format.
  [[nodiscard]] std::string metrics_text() const;

  // How the next queries come in.
  server::Arrival arrival{.client = {.address = *IpAddress::parse("192.0.2.7"), .port = 50000},
                          .server = {.address = *IpAddress::parse("192.0.2.1"), .port = 53}};

  [[nodiscard]] const server::Configuration& configuration() const { return configuration_; }
  // Of the last ask().
  [[nodiscard]] const Query& query() const { return query_; }
  [[nodiscard]] const Response& response() const { return response_; }
  [[nodiscard]] Bytes sent() const { return sent_; }  // the message; REQUIRES: not dropped

 private:
  server::Configuration configuration_;
  Packet packet_;  // what query_ points into
  Query query_;
  Response response_;
  Packet sent_;
};

// The rest of the chain that answers from a zone, as the plugin `file` does.
[[nodiscard]] PluginHarness::Rest zone_rest(std::string_view zone_text, std::string_view apex);

}  // namespace swage::tests
