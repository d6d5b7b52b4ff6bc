// Collects the records of a zone, checks them and writes the image that a View answers from. In the service process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/result.h"
#include "core/zone/report.h"

namespace swage::zone {

class Builder {
 public:
  // `now` in seconds since 1970: signatures that are out of their time get a warning.
  explicit Builder(dns::Name apex, std::int64_t now = std::time(nullptr));
  ~Builder();
  Builder(Builder&& other) noexcept;
  Builder& operator=(Builder&& other) noexcept;

  [[nodiscard]] dns::NameView apex() const;
  // What is found wrong or doubtful goes there; complete after write().
  [[nodiscard]] Report& report();
  [[nodiscard]] const Report& report() const;

  // Whether a SOA record was added: a file without one is hardly a zone file.
  [[nodiscard]] bool has_soa() const;

  // For core/zonemd: the zone gets one ZONEMD record at its apex, with these data and the TTL of its SOA; those that
  // are added are not taken. REQUIRES: nothing was added yet.
  void reserve_zonemd(Bytes rdata);

  // Takes a copy of one record. `rdata` is in wire format, uncompressed. Fails for an owner outside the zone, a SOA
  // that is not at the apex, and data that check_rdata() refuses. REQUIRES: finish() was not called.
  [[nodiscard]] Result<> add(dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata, Place place = 0);

  // Sorts and checks: one SOA at the apex, no CNAME beside other records, one DNAME at a name, no RRset that no message
  // has room for. Drops duplicates; gives an RRset its lowest TTL. Fails where the report has errors,
  // including those reported by the reader that added the records. Call once, after the last add().
  [[nodiscard]] Result<> finish();

  // Bytes of the image. REQUIRES: finish() succeeded.
  [[nodiscard]] std::size_t image_size() const;
  // Writes the image: the same records give the same bytes. REQUIRES: finish() succeeded; `image` has image_size()
  // bytes and is aligned to 8.
  void write(MutableBytes image) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swage::zone
