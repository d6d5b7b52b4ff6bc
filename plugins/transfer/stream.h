// A zone transfer over TCP: messages of about 16 KB, made as the client takes them, from the version of the zone that
// was in force when it began. In dns processes.
#pragma once

#include <optional>

#include "core/dns/response.h"
#include "core/metrics/handles.h"
#include "core/plugin/zone_source.h"
#include "plugins/transfer/places.h"
#include "plugins/transfer/sequence.h"

namespace swage::plugins::transfer {

struct StreamCounts {
  metrics::Counter completed{}, broken{}, bytes{};
};

class ZoneStream : public dns::Stream {
 public:
  // `sequence`: of `version`. `counts` and the place's owner must outlive it.
  ZoneStream(ZoneVersion version, Sequence sequence, Places::Place place, const StreamCounts& counts)
      : version_(std::move(version)), sequence_(std::move(sequence)), place_(std::move(place)), counts_(counts) {}
  ~ZoneStream() override;
  ZoneStream(const ZoneStream&) = delete;
  ZoneStream& operator=(const ZoneStream&) = delete;

  [[nodiscard]] bool next(dns::Response& response) override;
  void sent(std::size_t size) override;

 private:
  // Uncompressed bytes of records: about 15 KB when they are compressed, which is what a connection's turn is for.
  static constexpr std::size_t kMessage = 24'000;

  ZoneVersion version_;
  Sequence sequence_;
  std::optional<zone::ZoneRecord> pending_{};  // had no room in the last message
  bool ended_ = false;
  Places::Place place_;
  const StreamCounts& counts_;
};

}  // namespace swage::plugins::transfer
