// Receiver: what a primary answers to AXFR (RFC 5936) or IXFR (RFC 1995), message by message: no I/O. In the service
// process. Faces a primary that may be broken, or taken over: what is not a transfer of the zone that was asked for is
// an Error, and no more is kept of it than the limits say.
//
//     AXFR        SOA  records…  SOA
//     IXFR        SOA                                                        the primary has nothing newer
//                 SOA  ( old SOA  removed…  new SOA  added… )…  SOA          changes
//                 SOA  records…  SOA                                         the whole zone after all
//
// Where messages end means nothing: each has one record or more of that sequence.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/response.h"
#include "core/result.h"
#include "core/zone/builder.h"
#include "core/zone/change.h"

namespace swage::transfer {

// What was asked.
struct Request {
  dns::Name zone;
  std::uint16_t id = 0;
  std::optional<std::uint32_t> serial{};  // of the version that is here: IXFR; none: AXFR
};

struct Limits {
  std::uint64_t bytes = std::uint64_t{1} << 30;  // of messages
  std::uint64_t records = 20'000'000;
};

class Receiver {
 public:
  enum class Form : std::uint8_t {
    unknown,  // so far
    current,  // the primary has what is here, or something older
    whole,    // a zone
    changes,  // to the version that is here
  };

  Receiver(const Request& request, const Limits& limits) : request_(request), limits_(limits) {}

  // Takes the next message. True where it was the last. REQUIRES: none before was, and none was an Error.
  [[nodiscard]] Result<bool> take(Bytes message);

  [[nodiscard]] Form form() const { return form_; }
  // Of the zone that the primary has. REQUIRES: take() gave true.
  [[nodiscard]] std::uint32_t serial() const { return serial_; }
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t outside() const { return outside_; }  // records that were left out: not in the zone

  // REQUIRES: take() gave true, and the form is `whole`. Not finished yet: finish() is the caller's.
  [[nodiscard]] zone::Builder& zone() { return *builder_; }
  // Oldest first, for zone::apply(), which is the one to find out whether they fit to what is here. They lead from
  // Request::serial to serial(). REQUIRES: take() gave true, and the form is `changes`.
  [[nodiscard]] std::vector<zone::Change> changes() const;

 private:
  enum class Next : std::uint8_t { first, second, record, removed, added, nothing };

  [[nodiscard]] Result<> check_header(Bytes message) const;
  [[nodiscard]] Result<> take(const dns::Record& record);
  [[nodiscard]] Result<> take_first(const dns::Record& record);
  [[nodiscard]] Result<> take_second(const dns::Record& record);
  [[nodiscard]] Result<> take_soa_of_changes(const dns::Record& soa);
  [[nodiscard]] Result<> take_end(const dns::Record& soa);
  [[nodiscard]] Result<> begin_change(const dns::Record& soa);

  const Request request_;
  const Limits limits_;
  Next next_ = Next::first;
  Form form_ = Form::unknown;
  dns::Response message_;
  bool began_ = false;             // a message came
  std::vector<std::uint8_t> soa_;  // data
  std::uint32_t soa_ttl_ = 0;
  std::uint32_t serial_ = 0, step_ = 0;  // of the SOA; of the changes that are being read
  std::uint64_t records_ = 0, bytes_ = 0, outside_ = 0;
  std::optional<zone::Builder> builder_;
  std::optional<zone::ChangeWriter> change_;  // that is being read
  std::vector<std::vector<std::uint8_t>> changes_;
};

}  // namespace swage::transfer
