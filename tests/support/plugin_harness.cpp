#include "tests/support/plugin_harness.h"

#include <array>
#include <sstream>

#include <fmt/format.h>

#include "core/dns/client_subnet.h"
#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "core/metrics/sums.h"
#include "core/server/lookups.h"
#include "tests/support/dns_message.h"
#include "tests/support/zone_answers.h"

namespace swage::tests {
namespace {

constexpr std::uint16_t kNotify = 4 << 11;

class RestPlugin : public Plugin {
 public:
  explicit RestPlugin(PluginHarness::Rest rest) : rest_(std::move(rest)) {}
  Result<Outcome> serve(const Query& query, Response& response, Next) const override { return rest_(query, response); }
  bool sees(dns::MessageKind) const override { return true; }

 private:
  PluginHarness::Rest rest_;
};

Result<server::Configuration> configure(std::span<const PluginType> plugins, std::string_view corefile) {
  config::Sources sources = config::Sources::from_disk();  // with the interfaces of this machine
  sources.add("Corefile", std::string(corefile));
  return server::configure(sources, "Corefile", plugins, 53);
}

// Of a query (RFC 7871 section 6). `text`: "192.0.2.0/24".
Option client_subnet_option(std::string_view text) {
  const Result<Prefix> prefix = Prefix::parse(text);
  CHECK(prefix.has_value());
  std::string data = {'\0', prefix->address.is_v6() ? '\2' : '\1', static_cast<char>(prefix->length), '\0'};
  data += as_text(prefix->address.bytes().first((prefix->length + 7U) / 8));
  return {dns::kOptionClientSubnet, std::move(data)};
}

Packet encode_text(std::string_view text) {
  std::istringstream words{std::string(text)};
  Question question;
  words >> question.name >> question.type;
  for (std::string word; words >> word;) {
    if (word == "do") {
      question.opt = Opt{.flags = kDnssecOk};
    } else if (word == "nsid") {
      question.opt = Opt{.options = {{dns::kOptionNsid, ""}}};
    } else if (word.starts_with("subnet=")) {
      question.opt = Opt{.options = {client_subnet_option(word.substr(7))}};
    } else if (word.starts_with("size=")) {
      question.opt = Opt{.udp_size = static_cast<std::uint16_t>(std::stoul(word.substr(5)))};
    } else if (word == "rd") {
      question.flags |= kRd;
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
  for (const auto& [name, memory] : configuration_.worker_memories) {
    memory->begin(0, *shm::Segment::create(name, memory->size()));
  }
  if (!rest) return;
  for (const auto& block : configuration_.blocks) {
    block->plugins.push_back(std::make_unique<const RestPlugin>(rest));
    for (std::vector<ChainEntry>& chain : block->chains)
      chain.insert(chain.end() - 1, {block->plugins.back().get(), 0});
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
  query_.transport = arrival.transport;
  query_.client = arrival.client;
  query_.server = arrival.server;
  query_.received = arrival.received;
  server::Lookups lookups;
  lookups.begin(configuration_.listeners.begin()->second);
  query_.lookup = &lookups;
  const server::Router::Match match = configuration_.listeners.begin()->second.match(query_);
  CHECK(match.block != nullptr);
  query_.zone = match.zone;
  const Result<Outcome> outcome = match.block->chain(query_.kind())(query_, response_);
  if (outcome && *outcome == Outcome::drop) return "drop";
  if (outcome && *outcome == Outcome::later) return fmt::format("later: {}", as_text(response_.later.key));
  if (!outcome) {
    response_.clear_answer();
    response_.rcode = dns::Rcode::servfail;
    response_.plugin = 0;
  }
  std::array<std::uint8_t, 65'535> out;
  const std::size_t size = dns::encode(query_, response_, MutableBytes(out).first(dns::size_limit(query_)));
  sent_.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
  for (const auto& observer : match.block->observers) observer->sent(query_, response_, sent_);
  return outcome ? response_text(response_) : "error: " + outcome.error().text();
}

std::string PluginHarness::prepare() const {
  for (const server::NamedService& each : configuration_.services) {
    const Result<> prepared = each.service->prepare();
    if (!prepared) return prepared.error().text();
  }
  for (const server::NamedFetcher& each : configuration_.fetchers) {
    const Result<> prepared = each.fetcher->prepare();
    if (!prepared) return prepared.error().text();
  }
  return "";
}

std::string PluginHarness::metrics_text() const {
  metrics::SheetReader sheet(configuration_.metrics->memory());
  sheet.update();
  metrics::Sums sums;
  sums.add_trusted(sheet, metrics::Sums::Gauges::take);
  return sums.text();
}

PluginHarness::Rest zone_rest(std::string_view zone_text, std::string_view apex) {
  const auto zone = std::make_shared<const TestZone>(zone_text, apex);
  return [zone](const Query& query, Response& response) -> Result<Outcome> {
    if (query.qname.is_under(zone->zone().apex())) zone->zone().answer(query, response);
    return Outcome::send;
  };
}

}  // namespace swage::tests
