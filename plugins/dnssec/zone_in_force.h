// The keys of a zone as a dns process has them: what the service process published last. Internal to this folder; in
// dns processes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/dns/name.h"
#include "core/shm/snapshot.h"
#include "plugins/dnssec/published.h"

namespace swage::plugins::dnssec {

// A key that signs while answering. What it has signed is remembered under hashes that nobody without it can know.
struct SigningKey {
  swage::dnssec::Key key;
  std::array<std::uint8_t, 16> hash_key;
};

class ZoneInForce {
 public:
  ZoneInForce(dns::Name apex, const shm::Snapshot& snapshot) : apex_(apex), snapshot_(snapshot) {}

  [[nodiscard]] const dns::Name& apex() const { return apex_; }  // lower case
  // Reads the newest version, where it has not been read. Fails where there is none that can sign. Call it before what
  // follows, for each query. A zone whose operator has made it unsigned has no keys at all.
  [[nodiscard]] Result<> refresh();
  [[nodiscard]] const std::vector<SigningKey>& keys() const { return keys_; }
  [[nodiscard]] const Published& published() const { return published_; }
  // An RRset of the apex that has been signed beforehand; nullptr where there is none of that type.
  [[nodiscard]] const KeyRrset* rrset(dns::Type type) const;

 private:
  [[nodiscard]] Result<> read(Bytes snapshot);

  dns::Name apex_;
  const shm::Snapshot& snapshot_;
  shm::Held held_;  // what published_ points into
  Published published_;
  std::vector<SigningKey> keys_;
};

}  // namespace swage::plugins::dnssec
