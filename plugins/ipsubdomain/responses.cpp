// What ipsubdomain counts, and what it can say of a query to others.
#include <algorithm>

#include "core/dns/type_index.h"
#include "core/forge/address_label.h"
#include "core/libp2p/peer_id.h"
#include "plugins/ipsubdomain/ipsubdomain.h"

namespace swage::plugins::ipsubdomain {
namespace {

constexpr std::string_view kName = "coredns_forge_ipparser_responses_total";
constexpr std::string_view kHelp = "The count of dynamic A/AAAA DNS responses.";
constexpr std::size_t kNoData = 2, kLists = 1000;  // places in the table; lists that are counted

std::vector<std::string> types() {
  std::vector<std::string> types = {"A", "AAAA"};
  for (const char* const prefix : {"NODATA-", "NODATA-PEERID-"})
    std::ranges::move(dns::type_index_names(prefix), std::back_inserter(types));
  return types;
}

using ApexLabels = dns::ZoneTable<std::size_t>;  // how many each zone has

ApexLabels apex_labels(const std::vector<dns::Name>& zones) {
  ApexLabels labels;
  for (const dns::Name& zone : zones) labels.add(zone, zone.view().label_count());
  return labels;
}

// The labels of the name that are below one of `zones`; 0 where it is in none.
std::size_t labels_below(const Query& query, const ApexLabels& zones) {
  const std::size_t* const labels = zones.find(query);
  return labels == nullptr ? 0 : query.label_count - *labels;
}

// The peer ID's label in the name; empty where there is none.
Bytes peer_label(const Query& query, std::size_t below) {
  if (below == 0) return {};
  const Bytes label = query.key_suffix(below - 1).first_label();
  return libp2p::PeerId::from_label(label) ? label : Bytes();
}

}  // namespace

Responses::Responses(metrics::Registry& registry)
    : registry_(&registry), table_(registry.counters(kName, kHelp, {}, {{"type", types()}})) {}

void Responses::no_data(dns::Type type, bool of_peer) const {
  const std::size_t count = dns::type_index(dns::Type::caa) + 1;
  table_.at(kNoData + (of_peer ? count : 0) + dns::type_index(type)).add();
}

void Responses::denied(const denylist::Match& list) const {
  if (registry_ == nullptr || list.list >= kLists) return;
  if (list.list >= denied_.size()) denied_.resize(list.list + 1);
  auto& counter = denied_[list.list];
  if (!counter) counter = registry_->counter(kName, kHelp, {{"type", "DENIED-" + std::string(list.name)}});
  counter->add();
}

Metadata::Value peer_id_in(const std::vector<dns::Name>& zones) {
  return [zones = apex_labels(zones)](const Query& query, std::string& text) {
    text += as_text(peer_label(query, labels_below(query, zones)));
  };
}

Metadata::Value address_in(const std::vector<dns::Name>& zones) {
  return [zones = apex_labels(zones)](const Query& query, std::string& text) {
    const std::size_t below = labels_below(query, zones);
    if (below != 2 || peer_label(query, below).empty()) return;
    if (const auto address = forge::parse_address_label(query.key.view().first_label())) text += address->to_string();
  };
}

}  // namespace swage::plugins::ipsubdomain
