#include "core/zone/diff.h"

#include <algorithm>
#include <compare>

#include "core/zone/all_records.h"
#include "core/zone/lookup.h"

namespace swage::zone {
namespace {

using image::Node;
using image::Rrset;

// The nodes of an image, or the owners of its NSEC3 records: both in canonical order.
struct Nodes {
  const Node* at;
  std::uint32_t left;

  void next() {
    const Rrset* rrset = first_rrset(*at);
    for (unsigned i = 0; i < at->rrsets; ++i) rrset = rrset->next();
    at = reinterpret_cast<const Node*>(rrset);
    --left;
  }
};

std::strong_ordering compare(const Nodes& a, const Nodes& b) {
  if (a.left == 0 || b.left == 0) return b.left == 0 ? std::strong_ordering::less : std::strong_ordering::greater;
  const dns::NameView left = a.at->name(), right = b.at->name();
  return left.same_spelling(right) ? std::strong_ordering::equal : left <=> right;
}

// A part of an RRset: its records or its RRSIGs, sorted.
std::vector<Bytes> part(const Rrset& rrset, bool signatures) {
  RdataCursor cursor(rrset);
  std::vector<Bytes> all;
  for (unsigned i = 0; i < rrset.count + unsigned{rrset.sigs}; ++i) {
    const Bytes rdata = cursor.next();
    if ((i >= rrset.count) == signatures) all.push_back(rdata);
  }
  std::ranges::sort(all, std::ranges::lexicographical_compare);
  return all;
}

class Comparison {
 public:
  Comparison(Bytes image, Bytes next, std::size_t most)
      : old_(image.data()),
        new_(next.data()),
        most_(most),
        writer_(*AllRecords(image).next(), *AllRecords(next).next()) {}

  std::optional<std::vector<std::uint8_t>> run() {
    Nodes before{&old_.apex(), old_.header().nodes}, after{&new_.apex(), new_.header().nodes};
    walk(before, after);
    before.left = old_.header().nsec3_count;
    after.left = new_.header().nsec3_count;
    walk(before, after);
    if (writer_.changes_nothing() || writer_.size() > most_) return {};
    return writer_.finish();
  }

 private:
  void walk(Nodes& before, Nodes& after) {
    while ((before.left > 0 || after.left > 0) && writer_.size() <= most_) {
      const std::strong_ordering order = compare(before, after);
      if (order == 0) compare_nodes(*before.at, *after.at);
      if (order < 0) each(*before.at, &ChangeWriter::remove);
      if (order > 0) each(*after.at, &ChangeWriter::add);
      if (order <= 0) before.next();
      if (order >= 0) after.next();
    }
  }

  using Take = void (ChangeWriter::*)(const ZoneRecord&);
  void take(Take how, const Node& node, const Rrset& rrset, bool signature, Bytes rdata) {
    const dns::Type type = signature ? dns::Type::rrsig : dns::Type{rrset.type};
    if (type != dns::Type::soa) (writer_.*how)({node.name(), type, rrset.ttl, rdata});
  }

  void all(const Node& node, const Rrset& rrset, Take how) {
    RdataCursor cursor(rrset);
    for (unsigned i = 0; i < rrset.count + unsigned{rrset.sigs}; ++i) {
      take(how, node, rrset, i >= rrset.count, cursor.next());
    }
  }

  void each(const Node& node, Take how) {
    for (const Rrset& rrset : Rrsets(node)) all(node, rrset, how);
  }

  void compare_nodes(const Node& before, const Node& after) {
    const Rrset* a = first_rrset(before);
    const Rrset* b = first_rrset(after);
    unsigned a_left = before.rrsets, b_left = after.rrsets;
    while (a_left > 0 || b_left > 0) {
      const bool takes_a = a_left > 0 && (b_left == 0 || a->type <= b->type);
      const bool takes_b = b_left > 0 && (a_left == 0 || b->type <= a->type);
      if (takes_a && takes_b) compare_rrsets(before, *a, after, *b);
      if (takes_a && !takes_b) all(before, *a, &ChangeWriter::remove);
      if (takes_b && !takes_a) all(after, *b, &ChangeWriter::add);
      if (takes_a) a = a->next(), --a_left;
      if (takes_b) b = b->next(), --b_left;
    }
  }

  void compare_rrsets(const Node& before, const Rrset& a, const Node& after, const Rrset& b) {
    if (a.ttl != b.ttl) {
      all(before, a, &ChangeWriter::remove);
      all(after, b, &ChangeWriter::add);
    } else if (!are_same(a, b)) {
      for (const bool signatures : {false, true}) {
        const std::vector<Bytes> old_part = part(a, signatures), new_part = part(b, signatures);
        only_in(old_part, new_part, [&](Bytes rdata) { take(&ChangeWriter::remove, before, a, signatures, rdata); });
        only_in(new_part, old_part, [&](Bytes rdata) { take(&ChangeWriter::add, after, b, signatures, rdata); });
      }
    }
  }

  static bool are_same(const Rrset& a, const Rrset& b) {
    return a.count == b.count && a.sigs == b.sigs && a.size == b.size &&
           std::equal(RdataCursor(a).at(), reinterpret_cast<const std::uint8_t*>(a.next()), RdataCursor(b).at());
  }

  template <typename Take>
  static void only_in(const std::vector<Bytes>& these, const std::vector<Bytes>& others, Take take) {
    for (const Bytes rdata : these) {
      if (!std::ranges::binary_search(others, rdata, std::ranges::lexicographical_compare)) take(rdata);
    }
  }

  ImageReader old_, new_;
  std::size_t most_;
  ChangeWriter writer_;
};

}  // namespace

std::optional<std::vector<std::uint8_t>> diff(Bytes image, Bytes next, std::size_t most) {
  return Comparison(image, next, most).run();
}

}  // namespace swage::zone
