#include "tests/support/plugin_harness.h"

#include <sstream>

#include "core/dns/parse.h"
#include "tests/support/dns_message.h"
#include "tests/support/zone_answers.h"

namespace swage::tests {
namespace {

constexpr std::uint16_t kNotify = 4 << 11;

class RestPlugin : public Plugin {
 public:
  explicit RestPlugin(PluginHarness::Rest rest) : rest_(std::move(rest)) {}
  Result<Outcome> serve(const Query& query, Response& response, Next) const override { return rest_(query, response); }

 private:
  PluginHarness::Rest rest_;
};

Result<server::Configuration> configure(std::span<const PluginType> plugins, std::string_view corefile) {
  config::Sources sources;
  sources.add("Corefile", std::string(corefile));
  return server::configure(sources, "Corefile", plugins, 53);
}

Packet encode_text(std::string_view text) {
  std::istringstream words{std::string(text)};
  Question question;
  words >> question.name >> question.type;
  for (std::string word; words >> word;) {
    if (word == "do") {
      question.opt = Opt{.flags = kDnssecOk};
    } else if (word == "notify") {
      question.flags |= kNotify;
    } else {
      question.rclass = word;
    }
  }
  return encode(question);
}

}  // namespace

PluginHarness::PluginHarness(std::span<const PluginType> plugins, std::string_view corefile, Rest rest) {
  auto configuration = configure(plugins, corefile);
  if (!configuration) std::fprintf(stderr, "%s\n", configuration.error().text().c_str());
  CHECK(configuration.has_value());
  configuration_ = *std::move(configuration);
  if (!rest) return;
  for (const auto& block : configuration_.blocks) {
    block->chain.insert(block->chain.end() - 1, std::make_unique<const RestPlugin>(rest));
  }
}

std::string PluginHarness::setup_error(std::span<const PluginType> plugins, std::string_view corefile) {
  const auto configuration = configure(plugins, corefile);
  return configuration ? "" : configuration.error().text();
}

std::string PluginHarness::ask(std::string_view text) {
  response_.clear();
  packet_ = encode_text(text);
  query_ = {};
  CHECK(dns::parse(packet_, query_) == dns::Parsed::query);
  query_.client = {.address = *IpAddress::parse("192.0.2.7"), .port = 50000};
  query_.server = {.address = *IpAddress::parse("192.0.2.1"), .port = 53};
  const server::Router::Match match = configuration_.listeners.begin()->second.match(query_);
  CHECK(match.block != nullptr);
  query_.zone = match.zone;
  const Result<Outcome> outcome = Next(match.block->chain.data())(query_, response_);
  if (!outcome) return "error: " + outcome.error().text();
  return *outcome == Outcome::drop ? "drop" : response_text(response_);
}

PluginHarness::Rest zone_rest(std::string_view zone_text, std::string_view apex) {
  const auto zone = std::make_shared<const TestZone>(zone_text, apex);
  return [zone](const Query& query, Response& response) -> Result<Outcome> {
    if (query.qname.is_under(zone->zone().apex())) zone->zone().answer(query, response);
    return Outcome::send;
  };
}

}  // namespace swage::tests
