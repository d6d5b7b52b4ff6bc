#include "plugins/secondary/catalog_zone.h"

#include <set>

#include "core/text.h"
#include "core/zone/all_records.h"
#include "core/zone/view.h"

namespace swage::plugins::secondary {
namespace {

using dns::NameView;
using dns::Type;

bool is_label(NameView name, std::string_view label) { return equal_without_case(as_text(name.first_label()), label); }

std::string id_of(NameView name) { return lower_case(as_text(name.first_label())); }

// What the records of a catalog say, while they are read.
class Reader {
 public:
  explicit Reader(NameView apex) : apex_(apex), depth_(apex.label_count()) {}

  Result<> take(const zone::ZoneRecord& record) {
    const std::size_t below = record.owner.label_count() - depth_;
    if (below == 1 && record.type == Type::txt && is_label(record.owner, "version")) return take_version(record.rdata);
    if (record.type != Type::ptr || below < 2) return {};
    const NameView parent = record.owner.parent();
    if (below == 2 && is_label(parent, "zones")) return take_member(record);
    if (below == 3 && is_label(parent.parent(), "zones") && is_label(record.owner, "coo")) return take_owner(record);
    return {};
  }

  Result<CatalogMembers> result() {
    if (!has_version_) return fail("it has no version");
    for (const auto& [id, owner] : owners_) {
      const auto zone = zones_.find(id);  // none: of no member
      if (zone != zones_.end()) members_.at(zone->second).new_owner = owner;
    }
    return std::move(members_);
  }

 private:
  Result<> take_version(Bytes text) {
    if (has_version_) return fail("it has two versions");
    has_version_ = true;
    if (as_text(text) !=
        "\x01"
        "2")
      return fail("its version is not \"2\"");
    return {};
  }

  Result<> take_member(const zone::ZoneRecord& record) {
    const std::string id = id_of(record.owner);
    const dns::Name zone = dns::Name(NameView(record.rdata.data(), record.rdata.size())).lowercased();
    if (!zones_.emplace(id, zone).second) return fail("{} has two PTR records", record.owner.to_string());
    if (!members_.emplace(zone, CatalogMember{id}).second) {
      return fail("{} is a member twice", zone.to_string());
    }
    if (members_.size() > kMaxMembers) return fail("it has more than {} members", kMaxMembers);
    return {};
  }

  Result<> take_owner(const zone::ZoneRecord& record) {
    const dns::Name owner = NameView(record.rdata.data(), record.rdata.size());
    if (owners_.emplace(id_of(record.owner.parent()), owner.lowercased()).second) return {};
    return fail("{} has two PTR records", record.owner.to_string());
  }

  NameView apex_;
  std::size_t depth_;
  bool has_version_ = false;
  std::map<std::string, dns::Name> zones_, owners_;  // by unique label
  CatalogMembers members_;
};

}  // namespace

Result<CatalogMembers> read_catalog(Bytes image) {
  Reader reader(zone::View(image).apex());
  zone::AllRecords records(image);
  while (const std::optional<zone::ZoneRecord> record = records.next()) TRY(reader.take(*record));
  return reader.result();
}

}  // namespace swage::plugins::secondary
