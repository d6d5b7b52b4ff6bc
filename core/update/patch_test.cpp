// Images that are patched, one after another, beside images that are built as a whole: the same zone.
#include "core/zone/patch.h"

#include <random>

#include <fmt/format.h>

#include "core/update/edited_zone.h"
#include "core/zone/lookup.h"
#include "core/zone/view.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::update {
namespace {

using tests::TestZone;
using zone::ImageReader;
using zone::image::Node;
using zone::image::Rrset;
using Image = std::vector<std::uint64_t>;

constexpr std::string_view kZone =
    "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 192.0.2.2\nmail 60 MX 1 www\n"
    "b.a 60 TXT x\nw 60 TXT w\n*.w 60 TXT w\ncut 60 NS ns.cut\ncut 60 NS out.test.\nns.cut 60 A 192.0.2.3\n"
    "d 60 DNAME other.test.\nUpper 60 A 192.0.2.4\nsrv 60 SRV 1 1 1 www\n";

dns::Name name_of(std::string_view label) {
  return *dns::Name::parse(label == "@" ? "example." : fmt::format("{}.example.", label));
}

Bytes bytes_of(const Image& image) { return {reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * 8}; }

template <typename Made>
Image written(const Made& made) {
  Image image(made.image_size() / 8);
  made.write({reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8});
  return image;
}

std::string name_at(const ImageReader& zone, zone::image::Ref ref) {
  const Node* const node = zone.node_or_null(ref);
  return node == nullptr ? "-" : dns::Name(node->name()).lowercased().to_string();
}

// All that an image says, but where things lie.
std::string contents(Bytes image) {
  const ImageReader zone(image.data());
  const zone::image::Header& header = zone.header();
  std::string text = fmt::format("{} nodes, {} records, serial {}, {}, SOA {}\n", header.nodes, header.records,
                                 header.serial, header.negative_ttl, zone.at<Rrset>(header.soa)->type);
  const Node* node = &zone.apex();
  for (std::uint32_t i = 0; i < header.nodes; ++i) {
    text += fmt::format("{} flags {} cover {} wildcard {}:", dns::Name(node->name()).lowercased().to_string(),
                        node->rrsets == 0 ? 0 : node->flags, name_at(zone, node->cover), name_at(zone, node->wildcard));
    const Rrset* rrset = zone::first_rrset(*node);
    for (unsigned left = node->rrsets; left > 0; --left, rrset = rrset->next()) {
      text += fmt::format(" {} {}", to_string(dns::Type{rrset->type}), rrset->ttl);
      zone::RdataCursor rdata(*rrset);
      for (unsigned k = 0; k < rrset->count; ++k) {
        for (const std::uint8_t byte : rdata.next()) text += fmt::format("{:02x}", byte);
        if (zone::image::has_targets(dns::Type{rrset->type})) text += ">" + name_at(zone, zone::targets(*rrset)[k]);
        text += ",";
      }
    }
    text += "\n";
    node = reinterpret_cast<const Node*>(rrset);
  }
  CHECK(node == zone.at<Node>(header.order));
  return text;
}

// Each name leads to its node, and no other one does.
void check_table(Bytes image, const std::vector<std::string>& labels) {
  const ImageReader zone(image.data());
  std::size_t found = 0;
  zone::SearchName name(zone.header());
  const Node* node = &zone.apex();
  for (std::uint32_t i = 0; i < zone.header().nodes; ++i) {
    name.set(node->name());
    found += zone.find(name).node == node ? 1 : 0;
    const Rrset* rrset = zone::first_rrset(*node);
    for (unsigned left = node->rrsets; left > 0; --left) rrset = rrset->next();
    node = reinterpret_cast<const Node*>(rrset);
  }
  CHECK(found == zone.header().nodes);
  std::size_t names = 0, with_records = 0;
  for (const std::string& each : labels) {
    const dns::Name wanted = name_of(each);
    name.set(wanted);
    const Node* const at = zone.find(name).node;
    if (at != nullptr && at->name() != wanted) ++names;
    EditedZone edited(image);
    const bool has_records = !edited.at(wanted).empty();
    with_records += has_records == (at != nullptr && at->rrsets > 0) ? 1 : 0;
  }
  CHECK(names == 0);
  CHECK(with_records == labels.size());
}

class Edits {
 public:
  explicit Edits(unsigned seed) : random_(seed) {
    labels_ = {"@", "ns", "www", "mail", "b.a", "w", "*.w", "cut", "ns.cut", "d", "Upper", "srv", "x.d", "x.cut"};
    for (int i = 0; i < 40; ++i) labels_.push_back(fmt::format("n{}", i));
    for (const char* const deep : {"a", "y.z", "x.y.z", "v.x.y.z", "u.z", "z", "q.n1", "p.q.n1", "r.w", "a.b.c.d.e"}) {
      labels_.emplace_back(deep);
    }
  }
  const std::vector<std::string>& labels() const { return labels_; }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  void make(EditedZone& zone) {
    for (unsigned i = 1 + pick(6); i > 0; --i) one(zone);
    zone.set_serial(zone.serial() + 1);
  }

 private:
  void one(EditedZone& zone) {
    const dns::Name owner = name_of(labels_[pick(static_cast<unsigned>(labels_.size()))]);
    const bool is_apex = owner == zone.apex();
    if (pick(3) == 0 && !is_apex) {
      const Rrsets there = zone.at(owner);
      for (const auto& [type, rrset] : there) zone.remove(owner, type);
      return;
    }
    const dns::Name target = name_of(labels_[pick(static_cast<unsigned>(labels_.size()))]);
    std::vector<std::uint8_t> data = {0, static_cast<std::uint8_t>(pick(3))};
    data.insert(data.end(), target.view().bytes().begin(), target.view().bytes().end());
    switch (pick(12)) {
      case 0:
      case 1:
        return zone.add(owner, dns::Type::mx, 60, data);
      case 2:
        if (pick(4) == 0) zone.add(owner, dns::Type::ns, 60, target.view().bytes());
        return;
      case 3:
        if (pick(6) == 0 && !is_apex) zone.add(owner, dns::Type::dname, 60, target.view().bytes());
        return;
      default:
        return zone.add(owner, dns::Type::a, 60 + pick(2), std::array<std::uint8_t, 4>{192, 0, 2, data[1]});
    }
  }

  std::minstd_rand random_;
  std::vector<std::string> labels_;
};

}  // namespace

TEST_CASE("patch: images that are patched say what images that are built say") {
  const TestZone first(kZone, "example.");
  std::size_t patched = 0, built = 0;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    Edits edits(seed);
    Image image(first.bytes().size() / 8);
    std::memcpy(image.data(), first.bytes().data(), first.bytes().size());
    for (int round = 0; round < 60; ++round) {
      EditedZone edited(bytes_of(image));
      edits.make(edited);
      zone::Builder whole(name_of("@")), part(name_of("@"));
      const bool can_be = edited.build(whole).has_value();
      REQUIRE(edited.build_changed(part).has_value() == can_be);
      if (!can_be) continue;
      Image expected = written(whole);
      const Image part_image = written(part);
      const auto patch = zone::Patch::make(bytes_of(image), bytes_of(part_image), edited.changed_names());
      if (!patch) {
        ++built;
        image = std::move(expected);
        continue;
      }
      ++patched;
      Image next = written(*patch);
      INFO("seed " << seed << ", round " << round);
      REQUIRE(zone::View::check(bytes_of(next)));
      REQUIRE(contents(bytes_of(next)) == contents(bytes_of(expected)));
      check_table(bytes_of(next), edits.labels());
      image = std::move(next);
    }
  }
  CHECK(patched > 200);
  CHECK(built > 5);
}

}  // namespace swage::update
