#include "core/zone/rules.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace swage::zone {

using Ref = RecordStore::Ref;

namespace {

// Where the first and the second record of a kind are, in the order of the files.
struct Places {
  std::size_t count = 0;
  Place first = UINT32_MAX, second = UINT32_MAX;

  void add(Place place) {
    ++count;
    if (place < first) std::swap(place, first);
    if (place < second) second = place;
  }
};

std::string date_of(std::uint32_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min);
}

// RFC 4034 section 3.1.5: in serial number arithmetic.
void check_time(const RecordStore::Record& rrsig, dns::NameView name, Report& report) {
  constexpr std::int32_t kSoon = 7 * 86400;
  const std::uint32_t expires = load_u32(&rrsig.rdata()[8]), begins = load_u32(&rrsig.rdata()[12]);
  const auto left = static_cast<std::int32_t>(expires - report.now());
  const auto until_then = static_cast<std::int32_t>(begins - report.now());
  if (left >= kSoon && until_then <= 0) return;
  report.warn(Warning::signature, rrsig.place, [&] {
    const std::string what = fmt::format("the signature of {} {}", name.to_string(), to_string(rrsig.covered()));
    if (left < 0) return fmt::format("{} expired on {}", what, date_of(expires));
    if (until_then > 0) return fmt::format("{} is not valid before {}", what, date_of(begins));
    return fmt::format("{} expires within 7 days, on {}", what, date_of(expires));
  });
}

// RFC 4034 section 3.1.3: the asterisk of a wildcard does not count. Validators take no signature with more labels.
void check_labels(const RecordStore::Record& rrsig, dns::NameView name, Report& report) {
  const unsigned labels = rrsig.rdata()[3];
  const std::size_t most = name.label_count() - (name.is_wildcard() ? 1 : 0);
  if (labels <= most) return;
  report.warn(Warning::signature, rrsig.place, [&] {
    return fmt::format("the signature of {} {} covers {} labels, but the name has {}", name.to_string(),
                       to_string(rrsig.covered()), labels, most);
  });
}

// `rrset` without signatures.
void check_ttls(const RecordStore& store, dns::NameView name, std::span<const Ref> rrset, Report& report) {
  std::uint32_t lowest = UINT32_MAX;
  Places places;
  bool differ = false;
  for (const Ref ref : rrset) {
    const RecordStore::Record& record = store.record(ref);
    differ = differ || (lowest != UINT32_MAX && record.ttl != lowest);
    lowest = std::min(lowest, record.ttl);
    places.add(record.place);
  }
  if (!differ) return;
  report.warn(Warning::ttl, places.second, [&] {
    return fmt::format("the TTLs of {} {} differ; all get the lowest, {}", name.to_string(),
                       to_string(store.record(rrset.front()).type), lowest);
  });
}

Place first_place(const RecordStore& store, std::span<const Ref> records) {
  Place first = UINT32_MAX;
  for (const Ref ref : records) first = std::min(first, store.record(ref).place);
  return first;
}

// What there can be at a delegation, or below it.
bool is_shown(dns::Type type, bool at_cut) {
  switch (type) {
    case dns::Type::a:
    case dns::Type::aaaa:
      return true;
    case dns::Type::ns:
    case dns::Type::ds:
    case dns::Type::nsec:
      return at_cut;
    default:
      return false;
  }
}

}  // namespace

void check_node(const RecordStore& store, dns::NameView name, std::span<const Ref> records, Report& report) {
  Places cnames, dnames, others;
  for (std::size_t i = 0; i < records.size();) {
    const RecordStore::Record& first = store.record(records[i]);
    if (first.type == dns::Type::rrsig) {
      check_time(first, name, report);
      check_labels(first, name, report);
      ++i;
      continue;
    }
    const std::size_t start = i;
    for (; i < records.size() && store.record(records[i]).type == first.type; ++i) {
      const Place place = store.record(records[i]).place;
      if (first.type == dns::Type::cname) cnames.add(place);
      if (first.type == dns::Type::dname) dnames.add(place);
      if (first.type != dns::Type::cname && first.type != dns::Type::nsec && first.type != dns::Type::key)
        others.add(place);
    }
    if (first.type == dns::Type::ns && name.is_wildcard()) {  // RFC 4592 section 4.2
      report.warn(Warning::hidden, first.place, [&] {
        return fmt::format("{} NS delegates only the name with the asterisk itself", name.to_string());
      });
    }
    if (i - start > 1) check_ttls(store, name, records.subspan(start, i - start), report);
  }
  if (cnames.count > 1) {
    report.refuse(cnames.second, fmt::format("{} has {} CNAME records; leave one", name.to_string(), cnames.count));
  } else if (cnames.count == 1 && others.count > 0) {
    report.refuse(std::max(cnames.first, others.first),
                  fmt::format("{} has a CNAME and other records; write the A and AAAA records of its target instead",
                              name.to_string()));
  }
  if (dnames.count > 1) {
    report.refuse(dnames.second, fmt::format("{} has {} DNAME records", name.to_string(), dnames.count));
  }
}

void check_sizes(const Plan& plan, const RecordStore& store, const PlannedNode& node, Report& report) {
  const dns::NameView name = plan.name(node);
  std::size_t at = 0;
  while (const auto rrset = plan.next_rrset(node, at)) {
    std::size_t size = 12 + name.size() + 4;  // header and question
    for (const Ref ref : rrset->records) size += 12U + store.record(ref).size;
    std::size_t with_sigs = size;
    for (const Ref ref : rrset->sigs) with_sigs += 12U + store.record(ref).size;
    if (size > UINT16_MAX) {
      report.refuse(first_place(store, rrset->records),
                    fmt::format("{} {} has {} records of {} bytes, more than fit into a message", name.to_string(),
                                to_string(rrset->type), rrset->records.size(), size));
    } else if (rrset->sigs.size() > UINT8_MAX || with_sigs > (1U << 24)) {
      report.refuse(first_place(store, rrset->sigs),
                    fmt::format("{} {} has too many signatures", name.to_string(), to_string(rrset->type)));
    }
  }
}

void check_hidden(const Plan& plan, const RecordStore& store, std::span<const Ref> records, const PlannedNode& node,
                  const PlannedNode& cover, Report& report) {
  const bool by_dname = (cover.flags & image::kDname) != 0;
  dns::Type reported = dns::Type::rrsig;
  for (const Ref ref : records) {
    const RecordStore::Record& record = store.record(ref);
    const bool is_fine = record.type == dns::Type::rrsig || (!by_dname && is_shown(record.type, &node == &cover));
    if (is_fine || record.type == reported) continue;
    reported = record.type;
    report.warn(Warning::hidden, record.place, [&] {
      const std::string_view where = by_dname          ? "below the DNAME of"
                                     : &node == &cover ? "at the delegation"
                                                       : "below the delegation";
      return fmt::format("{} {} is {} {}, so no answer shows it", plan.name(node).to_string(), to_string(reported),
                         where, plan.name(cover).to_string());
    });
  }
}

}  // namespace swage::zone
