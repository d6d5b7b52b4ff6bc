#include "tests/support/zone_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/text.h"

namespace swage::tests {
namespace {

constexpr std::string_view kLabels[] = {
    "a",   "b",      "c",      "x",     "y",     "www",   "mail", "ns",
    "ns2", "_tcp",   "_x",     "a\\.b", "\\000", "\\255", "-",    "A-very-long-label-of-no-meaning",
    "w-1", "\\032z", "sp\\;c", "0",     "ent",   "Deep",  "*",    "zz"};
constexpr std::string_view kOutside[] = {"www.outside.example.", "ns.outside.example.", "other.example.", "example."};

std::string random_case(std::string name, std::mt19937& random) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '\\') {
      ++at;
    } else if (random() % 2 == 0) {
      name[at] = to_upper(name[at]);
    }
  }
  return name;
}

class Generator {
 public:
  Generator(const std::string& apex, std::uint32_t seed) : random_(seed) { zone_.name = apex; }

  GeneratedZone run() {
    apex();
    // Roots first, so that CNAMEs and DNAMEs can lead to what comes later.
    for (int count = 0; count < 10; ++count) roots_.push_back(fresh("h", count));
    for (int count = 0; count < 7; ++count) wild_.push_back(fresh("w", count));
    for (int count = 0; count < 9; ++count) cuts_.push_back(fresh("d", count));
    for (int count = 0; count < 7; ++count) dnames_.push_back(fresh("n", count));
    for (const std::string& root : roots_) host_tree(root);
    for (const std::string& root : wild_) wildcard_tree(root);
    for (const std::string& root : cuts_) delegation(root);
    for (const std::string& root : dnames_) dname(root);
    for (int count = 0; count < 30; ++count) cname(fresh("c", count));
    chain(pick(8) + 2U);
    if (one_in(3)) record(zone_.name, "*", "TXT", "\"the apex's wildcard\"");
    big_sets();
    return std::move(zone_);
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  bool one_in(std::size_t n) { return pick(n) == 0; }
  template <typename List>
  auto& any_of(const List& list) {
    return list[pick(std::size(list))];
  }
  std::string label() { return std::string(any_of(kLabels)); }
  std::string plain_label() {
    std::string text = label();
    return text == "*" ? "star" : text;
  }

  // A name below the apex that nothing else is below: "h3." before up to two labels of empty non-terminals.
  std::string fresh(std::string_view kind, int number) {
    std::string name = fmt::format("{}{}.", kind, number);
    for (std::size_t depth = pick(4); depth >= 2; --depth) name += fmt::format("e{}.", pick(3));
    return name + zone_.name;
  }

  void note(const std::string& name) {
    if (seen_.insert(lower_case(name)).second) zone_.names.push_back(name);
  }

  // A record at LABELS below `parent`; all of an RRset have the TTL that follows from its name and type.
  void record(const std::string& parent, const std::string& labels, std::string_view type, const std::string& data) {
    const std::string owner = labels.empty() ? parent : labels + "." + parent;
    note(owner);
    const auto ttl = 60 + std::hash<std::string>()(lower_case(owner) + std::string(type)) % 5 * 900;
    zone_.text += fmt::format("{} {} IN {} {}\n", random_case(owner, random_), ttl, type, data);
  }

  // A name somewhere, inside or out, that may or may not be there.
  std::string target() {
    switch (pick(12)) {
      case 0:
        return std::string(any_of(kOutside));
      case 1:
        return zone_.name;
      case 2:
        return plain_label() + "." + zone_.name;
      case 3:
      case 4:
        return label() + "." + any_of(wild_);
      case 5:
        return plain_label() + "." + any_of(dnames_);
      case 6:
        return plain_label() + "." + any_of(cuts_);
      case 7:
        return any_of(dnames_);
      case 8:
        return fmt::format("c{}.{}", pick(30), zone_.name);
      default:
        return any_of(zone_.names);
    }
  }
  std::string spelled_target() { return random_case(target(), random_); }

  void apex() {
    record(zone_.name, "", "SOA",
           fmt::format("ns1.{} hostmaster.{} 1 7200 900 1209600 {}", zone_.name, zone_.name, one_in(2) ? 30 : 86400));
    record(zone_.name, "", "NS", "ns1." + zone_.name);
    record(zone_.name, "", "NS", "ns.outside.example.");
    record(zone_.name, "ns1", "A", "192.0.2.1");
    record(zone_.name, "ns1", "AAAA", "2001:db8::1");
    record(zone_.name, "", "MX", "10 " + random_case("mail." + zone_.name, random_));
    record(zone_.name, "mail", "A", "192.0.2.25");
  }

  void data(const std::string& parent, const std::string& labels) {
    switch (pick(11)) {
      case 0:
        return record(parent, labels, "AAAA", fmt::format("2001:db8::{:x}", pick(65536)));
      case 1:
        return record(parent, labels, "TXT", R"("text \"quoted\" \\ \255" "")");
      case 2:
        return record(parent, labels, "MX", fmt::format("{} {}", pick(20), spelled_target()));
      case 3:
        return record(parent, labels, "SRV", fmt::format("1 2 {} {}", pick(65536), spelled_target()));
      case 4:
        return record(parent, labels, "TYPE65280", fmt::format("\\# 4 {:08x}", random_()));
      case 5:
        return record(parent, labels, "CAA", "0 issue \"ca.example\"");
      case 6:
        return record(parent, labels, "PTR", spelled_target());
      case 7:
        return record(parent, labels, "TYPE65281", "\\# 0");
      default:
        record(parent, labels, "A", fmt::format("192.0.2.{}", pick(128)));
        return record(parent, labels, "A", fmt::format("198.51.100.{}", pick(128)));
    }
  }

  void host_tree(const std::string& root) {
    if (!one_in(4)) data(root, "");  // else an empty non-terminal
    for (std::size_t count = pick(4) + 1; count > 0; --count) {
      std::string labels = plain_label();
      while (one_in(2)) labels += "." + plain_label();
      data(root, labels);
      if (one_in(2)) data(root, labels);
    }
  }

  void wildcard_tree(const std::string& root) {
    if (one_in(3)) data(root, "");
    if (one_in(3)) {
      record(root, "*", "CNAME", spelled_target());
    } else {
      data(root, "*");
      data(root, "*");
    }
    if (one_in(2)) data(root, plain_label());
    if (one_in(2)) data(root, "below.ent");           // the wildcard does not reach below ent
    if (one_in(2)) data(root, "*.below2.ent2");       // a wildcard below an empty non-terminal
    if (one_in(2)) data(root, plain_label() + ".*");  // a name below the wildcard
    if (one_in(3)) data(root, "*.*");
  }

  void delegation(const std::string& root) {
    switch (pick(5)) {
      case 0:
        record(root, "", "NS", std::string(any_of(kOutside)));
        break;
      case 1:
        record(root, "", "NS", "ns." + any_of(cuts_));
        break;  // perhaps a sibling's
      case 2:
        record(root, "", "NS", "missing." + root);
        break;
      case 3:
        record(root, "", "NS", root);
        record(root, "", "A", "192.0.2.7");
        break;
      default:
        break;
    }
    record(root, "", "NS", random_case("ns." + root, random_));
    record(root, "ns", "A", fmt::format("192.0.2.{}", pick(256)));
    if (one_in(2)) record(root, "ns", "AAAA", "2001:db8::53");
    if (one_in(2)) record(root, "", "NS", "ns1." + zone_.name);
    if (one_in(2)) record(root, "", "DS", "12345 13 2 " + std::string(64, 'a'));
    // What is below the cut is not the zone's.
    if (one_in(2)) record(root, "hidden", "TXT", "\"hidden\"");
    if (one_in(3)) record(root, "*", "A", "192.0.2.9");
    if (one_in(3)) record(root, "sub", "NS", "ns.sub." + root);
    if (one_in(3)) record(root, "alias", "CNAME", spelled_target());
  }

  void dname(const std::string& root) {
    std::string to;
    switch (pick(7)) {
      case 0:
        to = std::string(any_of(kOutside));
        break;
      case 1:
        to = any_of(wild_);
        break;
      case 2:
        to = any_of(cuts_);
        break;
      case 3:
      case 4:
        to = any_of(dnames_);
        break;  // chains and loops
      case 5:
        to = zone_.name;
        break;
      default:
        to = any_of(roots_);
        break;
    }
    record(root, "", "DNAME", random_case(to, random_));
    if (one_in(2)) data(root, "");
    note("below." + root);
    note("a.b." + root);
  }

  void cname(const std::string& owner) { record(owner, "", "CNAME", spelled_target()); }

  // chain0 → chain1 → … → an address, or the beginning.
  void chain(std::size_t length) {
    for (std::size_t at = 0; at < length; ++at) {
      record(zone_.name, fmt::format("chain{}", at), "CNAME", fmt::format("chain{}.{}", at + 1, zone_.name));
    }
    const std::string last = fmt::format("chain{}", length);
    one_in(2) ? record(zone_.name, last, "A", "192.0.2.99") : record(zone_.name, last, "CNAME", "chain0." + zone_.name);
  }

  void big_sets() {
    for (std::size_t count = 0; count < 20; ++count) {
      record(zone_.name, "big", "TXT", fmt::format("\"{:0>100}\"", count));
    }
    for (std::size_t count = 0; count < 220; ++count) {
      record(zone_.name, "huge", "TXT", fmt::format("\"{:0>250}\"", count));
    }
  }

  std::mt19937 random_;
  GeneratedZone zone_;
  std::set<std::string> seen_;
  std::vector<std::string> roots_, wild_, cuts_, dnames_;
};

}  // namespace

GeneratedZone generate_zone(const std::string& name, std::uint32_t seed) { return Generator(name, seed).run(); }

std::vector<std::string> labels_of(std::string_view name) {
  std::vector<std::string> labels;
  std::string label;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '.') {
      if (!label.empty()) labels.push_back(label);
      label.clear();
      continue;
    }
    label += name[at];
    if (name[at] == '\\') label += name[++at];
  }
  return labels;
}

std::string parent_of(std::string_view name) {
  const auto labels = labels_of(name);
  if (labels.size() <= 1) return ".";
  return fmt::format("{}.", fmt::join(labels.begin() + 1, labels.end(), "."));
}

std::string NameSource::next() {
  for (;;) {
    const std::string name = varied(zone_.names[random_() % zone_.names.size()]);
    const bool inside = name.ends_with("." + zone_.name) || name == zone_.name;
    if (inside && name.size() < 200) return random_() % 3 == 0 ? random_case(name, random_) : name;
  }
}

std::string NameSource::varied(std::string name) {
  const auto label = [&] {
    if (random_() % 4 == 0) return fmt::format("q{}", random_() % 100);
    return std::string(kLabels[random_() % std::size(kLabels)]);
  };
  const std::size_t kind = random_() % 20;
  if (kind < 8) return name;
  if (kind < 12) return label() + "." + name;
  if (kind < 14) return label() + "." + label() + "." + name;
  if (kind < 17) return label() + "." + parent_of(name);
  if (kind < 19) return parent_of(name);
  return "*." + name;
}

}  // namespace swage::tests
