// Proofs that something is not there, for the authority section of answers from a signed zone: by NSEC (RFC 4035
// section 3.1.3; nsec.cpp) or NSEC3 (RFC 5155 section 7.2; nsec3.cpp). Internal to core/zone; in dns processes.
#pragma once

#include "core/zone/answer.h"
#include "core/zone/lookup.h"

namespace swage::zone {

class Denial {
 public:
  Denial(ImageReader zone, Sections& sections) : zone_(zone), sections_(sections) {}

  // No such name, and no wildcard for it either.
  void nxdomain(const SearchName& name, const Found& found);
  // The name has no such type, or the delegation no DS; `node` is its node.
  void nodata(const image::Node& node);
  // The answer comes from the wildcard below found.encloser: nothing is closer.
  void wildcard_answer(const SearchName& name, const Found& found);
  // The wildcard `node` below found.encloser has no such type, and nothing is closer.
  void wildcard_nodata(const SearchName& name, const Found& found, const image::Node& node);

 private:
  ImageReader zone_;
  Sections& sections_;
};

// By NSEC. Names in any case.
class NsecChain {
 public:
  NsecChain(ImageReader zone, Sections& sections) : zone_(zone), sections_(sections) {}
  // Adds the NSEC of the node or, where it has none (an empty non-terminal), the one that covers it.
  void match(const image::Node& node);
  // Adds the NSEC that proves that `name` does not exist.
  void cover(dns::NameView name);

 private:
  ImageReader zone_;
  Sections& sections_;
};

// By NSEC3. Names in any case.
class Nsec3Chain {
 public:
  Nsec3Chain(ImageReader zone, Sections& sections) : zone_(zone), sections_(sections) {}
  // Adds the NSEC3 whose owner is the hash of the name; false where there is none.
  bool match(dns::NameView name);
  // Adds the NSEC3 whose span the hash of the name falls into.
  void cover(dns::NameView name);
  // The closest encloser proof (RFC 5155 section 7.2.1) for a name below `encloser`, which exists but, with opt-out,
  // need not have an NSEC3. Returns the closest encloser that has one. REQUIRES: name is below encloser.
  dns::NameView closest_encloser(dns::NameView name, dns::NameView encloser);

 private:
  ImageReader zone_;
  Sections& sections_;
};

}  // namespace swage::zone
