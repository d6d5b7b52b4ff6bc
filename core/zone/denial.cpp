#include "core/zone/denial.h"

#include <algorithm>

namespace swage::zone {

using image::Node;
using DenialKind = image::Denial;

namespace {

// "*." before a name. It fits: there is a name below `encloser` that is at least as long.
class WildcardName {
 public:
  explicit WildcardName(dns::NameView encloser) : size_(encloser.size() + 2) {
    bytes_[0] = 1;
    bytes_[1] = '*';
    std::copy_n(encloser.data(), encloser.size(), bytes_.begin() + 2);
  }
  [[nodiscard]] dns::NameView view() const { return {bytes_.data(), size_}; }

 private:
  std::array<std::uint8_t, dns::kMaxName> bytes_;
  std::size_t size_;
};

}  // namespace

void Denial::nxdomain(const SearchName& name, const Found& found) {
  if (zone_.header().denial == DenialKind::nsec) {
    NsecChain chain(zone_, sections_);
    chain.cover(name.spelling());
    chain.cover(WildcardName(found.encloser->name()).view());
  } else if (zone_.header().denial == DenialKind::nsec3) {
    Nsec3Chain chain(zone_, sections_);
    const dns::NameView encloser = chain.closest_encloser(name.spelling(), found.encloser->name());
    chain.cover(WildcardName(encloser).view());
  }
}

void Denial::nodata(const Node& node) {
  if (zone_.header().denial == DenialKind::nsec) {
    NsecChain(zone_, sections_).match(node);
  } else if (zone_.header().denial == DenialKind::nsec3) {
    Nsec3Chain chain(zone_, sections_);
    if (chain.match(node.name()) || &node == &zone_.apex()) return;
    chain.closest_encloser(node.name(), node.name().parent());
  }
}

void Denial::wildcard_answer(const SearchName& name, const Found& found) {
  if (zone_.header().denial == DenialKind::nsec) {
    NsecChain(zone_, sections_).cover(name.spelling());
  } else if (zone_.header().denial == DenialKind::nsec3) {
    Nsec3Chain(zone_, sections_).cover(name.suffix(found.depth + 1));
  }
}

void Denial::wildcard_nodata(const SearchName& name, const Found& found, const Node& node) {
  if (zone_.header().denial == DenialKind::nsec) {
    NsecChain chain(zone_, sections_);
    chain.cover(name.spelling());
    chain.match(node);
  } else if (zone_.header().denial == DenialKind::nsec3) {
    Nsec3Chain chain(zone_, sections_);
    chain.closest_encloser(name.spelling(), found.encloser->name());
    chain.match(node.name());
  }
}

}  // namespace swage::zone
