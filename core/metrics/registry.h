// Registry: the metrics of one process, by name and labels, in memory that others read: see sheet.h. Every child has
// one; the supervisor has one of its own.
//
// Names, help and labels are Prometheus's. What asks twice for the same name and labels has the same cells, so two
// server blocks may count together. Asking allocates and searches: ask in setup(), or the first time that something
// happens, and keep the handle. All processes of a server run the same setup()s; what they counted is added up when it
// is scraped. Gauges are added up, too: set one in the service process alone, or in each dns process its share.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metrics/handles.h"
#include "core/metrics/sheet.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::metrics {

// {{"name", "value"}, …}
using Labels = std::vector<std::pair<std::string, std::string>>;

// A label with a value out of a list that is known beforehand.
struct Choice {
  std::string name;
  std::vector<std::string> values;
};

class Registry {
 public:
  Registry();                              // in memory that nobody else sees: tests, swage -check
  explicit Registry(shm::Segment memory);  // REQUIRES: of kSheetSize, all 0, writable
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // REQUIRES of all: `name` has the same help, kind, bounds and label names wherever it is asked for. Where there is no
  // room left, or it is not a metric's name, a handle that counts in vain; see take_mistake().
  [[nodiscard]] Counter counter(std::string_view name, std::string_view help, const Labels& labels = {});
  [[nodiscard]] Gauge gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  // `bounds` ascend.
  [[nodiscard]] Histogram histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                                    const Labels& labels = {});
  // A counter for each combination of the choices' values (one to three of them), after the same labels; those that
  // are 0 are not exposed. table.at(i, j).add() counts for choices[0].values[i], choices[1].values[j]. There is room
  // for 64 KiB of values, with all labels' names, and 65,536 combinations: where there may be more, ask for several
  // tables.
  [[nodiscard]] Counters counters(std::string_view name, std::string_view help, const Labels& labels,
                                  const std::vector<Choice>& choices);

  // Says in setup() that there is such a metric, for handles that are asked for later: only what the service process
  // knows is exposed. (So a compromised dns process cannot invent any.)
  void declare(Kind kind, std::string_view name, std::string_view help, const std::vector<double>& bounds,
               const std::vector<std::string>& label_names);

  // What was wrong with what was asked for since the last call.
  [[nodiscard]] std::optional<Error> take_mistake() { return std::exchange(mistake_, std::nullopt); }

  [[nodiscard]] Bytes memory() const { return memory_.bytes(); }
  [[nodiscard]] const shm::Mapping& mapping() const { return memory_; }

 private:
  // What a record holds and where its cells are.
  struct Place {
    Cell* cells = nullptr;
    const double* bounds = nullptr;
  };
  [[nodiscard]] Place find_or_add(const Description& description);

  shm::Segment memory_;
  SheetWriter writer_;
  std::map<std::string, Place> places_;  // by name and labels
  std::optional<Error> mistake_;
  Counter lost_count_;  // of those that found no room
};

}  // namespace swage::metrics
