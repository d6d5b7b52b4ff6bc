// Images that are patched, one after another, beside images that are built as a whole: the same zone.
#include "core/zone/patch.h"

#include <array>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>

#include "core/zone/all_records.h"
#include "core/zone/builder.h"
#include "core/zone/lookup.h"
#include "core/zone/view.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::zone {
namespace {

using image::Node;
using image::Rrset;
using tests::TestZone;
using Image = std::vector<std::uint64_t>;

constexpr std::string_view kZone =
    "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 192.0.2.2\nmail 60 MX 1 www\n"
    "b.a 60 TXT x\nw 60 TXT w\n*.w 60 TXT w\ncut 60 NS ns.cut\ncut 60 NS out.test.\nns.cut 60 A 192.0.2.3\n"
    "d 60 DNAME other.test.\nUpper 60 A 192.0.2.4\nsrv 60 SRV 1 1 1 www\n";

dns::Name name_of(std::string_view label) {
  return *dns::Name::parse(label == "@" ? "example." : fmt::format("{}.example.", label));
}

Bytes bytes_of(const Image& image) { return {reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * 8}; }

// The records of a zone by name; all have a TTL of 60.
using Model = std::map<dns::Name, std::map<dns::Type, std::set<std::vector<std::uint8_t>>>>;

Model model_of(Bytes image) {
  Model model;
  AllRecords records(image);
  while (const auto record = records.next()) {
    model[dns::Name(record->owner)][record->type].insert({record->rdata.begin(), record->rdata.end()});
  }
  return model;
}

// Of all names, or of these.
Result<> build(const Model& model, const std::set<dns::Name>* names, Builder& into) {
  for (const auto& [name, types] : model) {
    if (names != nullptr && !names->contains(name)) continue;
    for (const auto& [type, data] : types) {
      for (const auto& each : data) TRY(into.add(name, type, 60, each));
    }
  }
  return into.finish();
}

template <typename Made>
Image written(const Made& made) {
  Image image(made.image_size() / 8);
  made.write({reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8});
  return image;
}

std::string name_at(const ImageReader& zone, image::Ref ref) {
  const Node* const node = zone.node_or_null(ref);
  return node == nullptr ? "-" : dns::Name(node->name()).lowercased().to_string();
}

// All that an image says, but where things lie.
std::string contents(Bytes image) {
  const ImageReader zone(image.data());
  const image::Header& header = zone.header();
  std::string text = fmt::format("{} nodes, {} records, serial {}, {}, SOA {}\n", header.nodes, header.records,
                                 header.serial, header.negative_ttl, zone.at<Rrset>(header.soa)->type);
  const Node* node = &zone.apex();
  for (std::uint32_t i = 0; i < header.nodes; ++i) {
    text += fmt::format("{} flags {} cover {} wildcard {}:", dns::Name(node->name()).lowercased().to_string(),
                        node->rrsets == 0 ? 0 : node->flags, name_at(zone, node->cover), name_at(zone, node->wildcard));
    const Rrset* rrset = first_rrset(*node);
    for (unsigned left = node->rrsets; left > 0; --left, rrset = rrset->next()) {
      text += fmt::format(" {} {}", to_string(dns::Type{rrset->type}), rrset->ttl);
      RdataCursor rdata(*rrset);
      for (unsigned k = 0; k < rrset->count; ++k) {
        for (const std::uint8_t byte : rdata.next()) text += fmt::format("{:02x}", byte);
        if (image::has_targets(dns::Type{rrset->type})) text += ">" + name_at(zone, targets(*rrset)[k]);
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
void check_table(Bytes image, const std::vector<std::string>& labels, const Model& model) {
  const ImageReader zone(image.data());
  std::size_t found = 0;
  SearchName name(zone.header());
  const Node* node = &zone.apex();
  for (std::uint32_t i = 0; i < zone.header().nodes; ++i) {
    name.set(node->name());
    found += zone.find(name).node == node ? 1 : 0;
    const Rrset* rrset = first_rrset(*node);
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
    with_records += (at != nullptr && at->rrsets > 0) == (model.contains(wanted)) ? 1 : 0;
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

  // Changes the model; the names that were changed.
  std::set<dns::Name> make(Model& model) {
    std::set<dns::Name> changed = {name_of("@")};
    for (unsigned i = 1 + pick(6); i > 0; --i) one(model, changed);
    auto& soa = model.at(name_of("@")).at(dns::Type::soa);
    std::vector<std::uint8_t> data = *soa.begin();
    ++data[data.size() - 17];  // the serial's last byte
    soa = {data};
    return changed;
  }

 private:
  void one(Model& model, std::set<dns::Name>& changed) {
    const dns::Name owner = name_of(labels_[pick(static_cast<unsigned>(labels_.size()))]);
    const bool is_apex = owner == name_of("@");
    changed.insert(owner);
    if (pick(3) == 0 && !is_apex) {
      model.erase(owner);
      return;
    }
    const dns::Name target = name_of(labels_[pick(static_cast<unsigned>(labels_.size()))]);
    const std::vector<std::uint8_t> name(target.view().bytes().begin(), target.view().bytes().end());
    const auto number = static_cast<std::uint8_t>(pick(3));
    std::vector<std::uint8_t> mx = {0, number};
    mx.insert(mx.end(), name.begin(), name.end());
    const unsigned kind = pick(48);
    if (kind < 8) {
      model[owner][dns::Type::mx].insert(mx);
    } else if (kind < 9) {
      model[owner][dns::Type::ns].insert(name);
    } else if (kind < 10 && !is_apex) {
      model[owner][dns::Type::dname] = {name};
    } else {
      model[owner][dns::Type::a].insert({192, 0, 2, number});
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
    Model model = model_of(first.bytes());
    for (int round = 0; round < 60; ++round) {
      Model next_model = model;
      const std::set<dns::Name> changed = edits.make(next_model);
      Builder whole(name_of("@")), part(name_of("@"));
      const bool can_be = build(next_model, nullptr, whole).has_value();
      REQUIRE(build(next_model, &changed, part).has_value() == can_be);
      if (!can_be) continue;
      model = std::move(next_model);
      Image expected = written(whole);
      const Image part_image = written(part);
      const auto patch =
          Patch::make(bytes_of(image), bytes_of(part_image), std::vector(changed.begin(), changed.end()));
      if (!patch) {
        ++built;
        image = std::move(expected);
        continue;
      }
      ++patched;
      Image next = written(*patch);
      INFO("seed " << seed << ", round " << round);
      REQUIRE(View::check(bytes_of(next)));
      REQUIRE(contents(bytes_of(next)) == contents(bytes_of(expected)));
      check_table(bytes_of(next), edits.labels(), model);
      image = std::move(next);
    }
  }
  CHECK(patched > 200);
  CHECK(built > 5);
}

}  // namespace swage::zone
