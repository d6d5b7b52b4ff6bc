// Sheet: the metrics of one process as they lie in memory: one process writes, any other reads at the same time. The
// memory says itself what is in it, so its reader need not know the writer's configuration.
//
//     0        magic (8) | published (8): bytes of the directory that are whole | 0 (48)
//     64       directory: records, one after the other, never changed once they are published
//     size/4   cells of 8 bytes, in the order of the records
//
//     record:  size (4, a multiple of 8) | kind (1) | 0 (1) | bounds (2) | name (2) | help (2) | labels (4)
//              bounds (8 each, ascending doubles) | name | help | labels | padding
//     labels:  for each label: name 0, each value 0, then 1, or 2 where the values are a list to choose from
//
// A record has as many cells as its labels have combinations of values, times those of its kind: one for a counter
// (integer) or a gauge (double); a histogram has an integer for each bound and one for what is larger, and the sum as a
// double. A label without a value makes 0 cells: the record only declares the metric.
//
// The reader believes nothing: the writer answers queries from strangers, and may be compromised. Records are
// copied before they are judged; from the first one that is wrong nothing more is read. The writer cannot change the
// size of the memory (Segment::create_fixed).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/metrics/handles.h"

namespace swage::metrics {

inline constexpr std::size_t kSheetSize = std::size_t{32} << 20;  // bytes; only those that are used take memory

enum class Kind : std::uint8_t { counter = 1, gauge = 2, histogram = 3 };

// What a record says.
struct Description {
  Kind kind = Kind::counter;
  std::vector<double> bounds{};  // of a histogram
  std::string name{}, help{};
  std::string labels{};  // in the form above; see append_label()
};

// Appends a label to `labels`. Control characters, and bytes that are not UTF-8, become '?'.
void append_label(std::string& labels, std::string_view name, const std::vector<std::string>& values, bool is_choice);

// One label, out of a Description's.
struct Label {
  std::string_view name;
  std::vector<std::string_view> values;
  bool is_choice = false;
};
// nullopt where `labels` is not well-formed, or says the same name twice, or one that is reserved for `kind`.
[[nodiscard]] std::optional<std::vector<Label>> parse_labels(std::string_view labels, Kind kind);

// Cells of a series.
[[nodiscard]] inline std::size_t cells_of(Kind kind, std::size_t bounds) {
  return kind == Kind::histogram ? bounds + 2 : 1;
}

// Why a record cannot say that: "'a-b' is not a valid name of a metric"; empty if it can.
[[nodiscard]] std::string objection_to(const Description& description);

class SheetWriter {
 public:
  struct Place {
    Cell* cells = nullptr;
    const double* bounds = nullptr;
  };

  SheetWriter() = default;  // has no room
  // REQUIRES: all 0, aligned to 8, outlives the writer and what it gives.
  explicit SheetWriter(MutableBytes memory);

  // Adds a record; nullopt where there is no room. REQUIRES: a sound description.
  [[nodiscard]] std::optional<Place> add(const Description& description);

 private:
  MutableBytes memory_;
  std::size_t used_ = 0;   // bytes of the directory
  std::size_t cells_ = 0;  // that have a record
};

class SheetReader {
 public:
  struct Record {
    Description description;
    std::size_t first_cell = 0, cells = 0;
  };

  SheetReader() = default;  // reads nothing
  // `memory` must outlive the reader.
  explicit SheetReader(Bytes memory) : memory_(memory) {}

  // Takes in the records that were added since the last time.
  void update();
  [[nodiscard]] const std::vector<Record>& records() const { return records_; }
  // REQUIRES: it is one of a record's.
  [[nodiscard]] std::uint64_t cell(std::size_t index) const;

 private:
  [[nodiscard]] bool take(Bytes& directory);

  Bytes memory_;
  std::size_t read_ = 0;  // bytes of the directory
  std::size_t cells_ = 0;
  bool broken_ = false;
  std::vector<Record> records_;
};

}  // namespace swage::metrics
