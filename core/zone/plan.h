// What a zone image will hold: the nodes in canonical order with their records, checked and without duplicates. Between
// the records as they came and the image. Internal to core/zone; in the service process.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/dns/name.h"
#include "core/zone/image.h"
#include "core/zone/records.h"
#include "core/zone/report.h"

namespace swage::zone {

// A name and its records, which lie together in Plan::records.
struct PlannedNode {
  RecordStore::Ref owner;      // a name that ends with this one
  std::uint32_t first_record;  // in Plan::records
  std::uint32_t record_count;
  std::uint32_t parent;  // indexes of nodes; kNoNode where there is none
  std::uint32_t cover;
  std::uint32_t wildcard;
  std::uint8_t skip;   // bytes of `owner` before this name
  std::uint8_t depth;  // labels below the apex
  std::uint8_t flags;  // image::NodeFlag
};

// The records of one type at one name, and the RRSIGs that cover them.
struct PlannedRrset {
  dns::Type type;
  std::uint32_t ttl;
  std::span<const RecordStore::Ref> records;
  std::span<const RecordStore::Ref> sigs;
};

struct PlannedNsec3 {
  dns::Nsec3Hash hash;
  PlannedNode node;
};

struct Nsec3Parameters {
  std::uint16_t iterations = 0;
  std::vector<std::uint8_t> salt;
};

class Plan {
 public:
  static constexpr std::uint32_t kNoNode = UINT32_MAX;

  // Takes the records over from `store`, which must outlive the plan, as must the report. What is wrong with them goes
  // there; after an error the plan must not be used.
  [[nodiscard]] static Plan make(dns::NameView apex, RecordStore& store, Report& report);

  [[nodiscard]] const std::vector<PlannedNode>& nodes() const { return nodes_; }     // the apex first
  [[nodiscard]] const std::vector<PlannedNsec3>& nsec3s() const { return nsec3s_; }  // sorted by hash
  [[nodiscard]] const Nsec3Parameters& nsec3_parameters() const { return nsec3_parameters_; }
  [[nodiscard]] image::Denial denial() const { return denial_; }
  [[nodiscard]] std::size_t record_count() const { return records_.size(); }
  [[nodiscard]] dns::NameView name(const PlannedNode& node) const {
    const dns::NameView owner = store_->name(node.owner);
    return {owner.data() + node.skip, owner.size() - node.skip};
  }
  // The next RRset of a node: `at` is where to go on, from 0; nullopt after the last.
  [[nodiscard]] std::optional<PlannedRrset> next_rrset(const PlannedNode& node, std::size_t& at) const;

 private:
  Plan(dns::NameView apex, const RecordStore& store, Report& report) : store_(&store), report_(&report), apex_(apex) {}

  void add_owner(RecordStore::Ref owner, std::vector<RecordStore::Ref>& records);
  void add_nsec3(RecordStore::Ref owner, std::span<const RecordStore::Ref> records);
  void add_node(RecordStore::Ref owner, std::span<const RecordStore::Ref> records);
  void append_node(PlannedNode node);
  void check_apex();
  void choose_denial();
  [[nodiscard]] std::optional<PlannedRrset> find(const PlannedNode& node, dns::Type type) const;

  const RecordStore* store_;
  Report* report_;
  dns::Name apex_;
  std::vector<PlannedNode> nodes_;
  std::vector<std::uint32_t> path_;  // from the apex to the node added last
  std::vector<PlannedNsec3> nsec3s_;
  Nsec3Parameters nsec3_parameters_;
  image::Denial denial_ = image::Denial::none;
  std::vector<RecordStore::Ref> records_;
};

}  // namespace swage::zone
