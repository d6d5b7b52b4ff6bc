// Nsec3Chain: the hashed names of a zone, and the NSEC3 records that come of them (RFC 5155 section 7.1). No I/O.
// Memory: 24 bytes a name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/nsec3_hash.h"
#include "core/result.h"

namespace swage::dnssec {

class Nsec3Chain {
 public:
  Nsec3Chain(dns::NameView apex, bool opt_out, std::vector<std::uint8_t> salt)
      : apex_(apex), opt_out_(opt_out), salt_(std::move(salt)) {}

  // The data of the NSEC3PARAM record.
  [[nodiscard]] std::vector<std::uint8_t> parameters() const;
  // `bitmap`: its types; none for an empty non-terminal.
  void add(dns::NameView name, Bytes bitmap);

  using Take = std::function<Result<>(dns::NameView owner, Bytes rdata)>;
  // Calls `take` for each record, in the order of their owners. An Error where two names have the same hash, or of
  // `take`.
  [[nodiscard]] Result<> close(const Take& take);

 private:
  struct Entry {
    dns::Nsec3Hash hash;
    std::uint32_t bitmap;  // in bitmaps_
  };

  dns::Name apex_;
  bool opt_out_;
  std::vector<std::uint8_t> salt_;
  std::vector<Entry> entries_;
  std::vector<std::string> bitmaps_;  // a zone has few different ones
  std::map<std::string, std::uint32_t, std::less<>> places_;
};

}  // namespace swage::dnssec
