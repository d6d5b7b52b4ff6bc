// Sums: the metrics of several processes, added up, and as text for Prometheus. A value, made anew for each scrape.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/metrics/sheet.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::metrics {

class Sums {
 public:
  enum class Gauges : bool { leave_out, take };

  // Adds a trusted process's metrics, and takes its word for which metrics there are.
  void add_trusted(const SheetReader& sheet, Gauges gauges);
  // Adds what any process counted of metrics that are known already, under the same label names.
  void add(const SheetReader& sheet, Gauges gauges);
  // Adds counters and histograms, whatever they are called. For what is kept of processes that have ended.
  void add_past(const SheetReader& sheet);

  // The text exposition format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
  [[nodiscard]] std::string text() const;
  // The same as a sealed sheet; series that are 0 are left out, and those for which there is no room.
  [[nodiscard]] Result<shm::Mapping> sheet() const;

  // No further series is taken beyond this number: a compromised process may have invented them.
  static constexpr std::size_t kMaxSeries = 200'000;
  // Of the labels of a sheet's series, once for each of their cells; what exceeds it is left out.
  static constexpr std::size_t kMaxLabelBytes = std::size_t{64} << 20;

 private:
  struct Family {
    std::string help;
    std::string label_names;                                   // as a Description's labels
    std::map<std::string, std::vector<std::uint64_t>> series;  // cells by labels, as a Description's, each one value
  };
  // Those of the same name whose kind or bounds differ are different metrics.
  using Key = std::tuple<std::string, Kind, std::vector<double>>;

  [[nodiscard]] static std::string label_names(const Description& description);
  // `room`: of kMaxLabelBytes what is left; false when nothing is.
  bool add_record(const SheetReader& sheet, const SheetReader::Record& record, Family& family, std::size_t& room);

  std::map<Key, Family> families_;
  std::size_t series_ = 0;
};

}  // namespace swage::metrics
