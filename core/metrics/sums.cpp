#include "core/metrics/sums.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace swage::metrics {
namespace {

void append_escaped(std::string& text, std::string_view value, bool quotes) {
  for (const char c : value) {
    if (c == '\\' || (quotes && c == '"')) text += '\\';
    text += c;
  }
}

// name="value",… without braces.
std::string label_text(const std::string& labels, Kind kind) {
  std::string text;
  const auto parsed = parse_labels(labels, kind);
  CHECK(parsed.has_value());
  for (const Label& label : *parsed) {
    if (!text.empty()) text += ',';
    text.append(label.name).append("=\"");
    append_escaped(text, label.values.front(), true);
    text += '"';
  }
  return text;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void append_line(std::string& text, std::string_view name, std::string_view labels, std::string_view value) {
  text += name;
  if (!labels.empty()) text.append("{").append(labels).append("}");
  text.append(" ").append(value).append("\n");
}

void append_histogram(std::string& text, const std::string& name, const std::string& labels,
                      const std::vector<double>& bounds, const std::vector<std::uint64_t>& cells) {
  std::uint64_t count = 0;
  const std::string before = labels.empty() ? "" : labels + ",";
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    count += cells[i];
    const std::string bound = i == bounds.size() ? "+Inf" : number(bounds[i]);
    append_line(text, name + "_bucket", fmt::format("{}le=\"{}\"", before, bound), std::to_string(count));
  }
  append_line(text, name + "_sum", labels, number(std::bit_cast<double>(cells.back())));
  append_line(text, name + "_count", labels, std::to_string(count));
}

bool is_double(Kind kind, std::size_t index, std::size_t cells) {
  return kind == Kind::gauge || (kind == Kind::histogram && index + 1 == cells);
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

std::string Sums::label_names(const Description& description) {
  std::string names;
  const auto labels = parse_labels(description.labels, description.kind);
  CHECK(labels.has_value());
  for (const Label& label : *labels) append_label(names, label.name, {}, false);
  return names;
}

void Sums::add_trusted(const SheetReader& sheet, Gauges gauges) {
  std::size_t room = kMaxLabelBytes;
  for (const SheetReader::Record& record : sheet.records()) {
    const Description& said = record.description;
    Family& family = families_[{said.name, said.kind, said.bounds}];
    if (family.help.empty()) family.help = said.help;
    if (family.label_names.empty()) family.label_names = label_names(said);
    if (said.kind == Kind::gauge && gauges == Gauges::leave_out) continue;
    if (!add_record(sheet, record, family, room)) return;
  }
}

void Sums::add(const SheetReader& sheet, Gauges gauges) {
  std::size_t room = kMaxLabelBytes;
  for (const SheetReader::Record& record : sheet.records()) {
    const Description& said = record.description;
    if (said.kind == Kind::gauge && gauges == Gauges::leave_out) continue;
    const auto family = families_.find({said.name, said.kind, said.bounds});
    if (family == families_.end() || family->second.label_names != label_names(said)) continue;
    if (!add_record(sheet, record, family->second, room)) return;
  }
}

void Sums::add_past(const SheetReader& sheet) {
  std::size_t room = kMaxLabelBytes;
  for (const SheetReader::Record& record : sheet.records()) {
    const Description& said = record.description;
    if (said.kind == Kind::gauge) continue;
    Family& family = families_[{said.name, said.kind, said.bounds}];
    if (family.help.empty()) family.help = said.help;
    if (!add_record(sheet, record, family, room)) return;
  }
}

// Each combination of the labels' values is a series. Of choices only what has counted something.
bool Sums::add_record(const SheetReader& sheet, const SheetReader::Record& record, Family& family, std::size_t& room) {
  const Description& said = record.description;
  const auto labels = parse_labels(said.labels, said.kind);
  CHECK(labels.has_value());
  const bool has_choice = std::ranges::any_of(*labels, &Label::is_choice);
  const std::size_t size = cells_of(said.kind, said.bounds.size());
  std::vector<std::uint64_t> cells(size);
  for (std::size_t at = 0; at < record.cells; at += size) {
    bool counted = !has_choice;
    for (std::size_t i = 0; i < size; ++i) {
      cells[i] = sheet.cell(record.first_cell + at + i);
      counted = counted || cells[i] != 0;
    }
    if (!counted) continue;
    std::string key;
    std::size_t rest = at / size, combinations = record.cells / size;
    for (const Label& label : *labels) {
      combinations /= label.values.size();
      append_label(key, label.name, {std::string(label.values[rest / combinations])}, false);
      rest %= combinations;
    }
    if (key.size() * size > room) return false;
    room -= key.size() * size;
    const auto found = family.series.find(key);
    if (found == family.series.end() && series_ >= kMaxSeries) continue;
    auto& sums = found == family.series.end() ? family.series[key] : found->second;
    if (sums.empty()) {
      sums.resize(size);
      ++series_;
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (!is_double(said.kind, i, size)) {
        sums[i] += cells[i];
      } else if (const double value = std::bit_cast<double>(cells[i]);
                 said.kind == Kind::gauge || std::isfinite(value)) {
        sums[i] = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sums[i]) + value);
      }
    }
  }
  return true;
}

std::string Sums::text() const {
  std::string text;
  const std::string* last = nullptr;
  for (const auto& [key, family] : families_) {
    const auto& [name, kind, bounds] = key;
    if (family.series.empty()) continue;
    if (last != nullptr && *last == name) continue;  // a metric has one kind
    last = &name;
    text.append("# HELP ").append(name).append(" ");
    append_escaped(text, family.help, false);
    text.append("\n# TYPE ").append(name).append(" ").append(to_string(kind)).append("\n");
    for (const auto& [labels, cells] : family.series) {
      const std::string written = label_text(labels, kind);
      if (kind == Kind::histogram) {
        append_histogram(text, name, written, bounds, cells);
      } else if (kind == Kind::gauge) {
        append_line(text, name, written, number(std::bit_cast<double>(cells[0])));
      } else {
        append_line(text, name, written, std::to_string(cells[0]));
      }
    }
  }
  return text;
}

Result<shm::Mapping> Sums::sheet() const {
  TRY(shm::Segment memory, shm::Segment::create("swage metrics past", kSheetSize));
  SheetWriter writer(memory.writable_bytes());
  for (const auto& [key, family] : families_) {
    const auto& [name, kind, bounds] = key;
    for (const auto& [labels, cells] : family.series) {
      if (std::ranges::all_of(cells, [](std::uint64_t cell) { return cell == 0; })) continue;
      const auto place = writer.add({kind, bounds, name, family.help, labels});
      if (!place) continue;
      for (std::size_t i = 0; i < cells.size(); ++i) detail::store(place->cells[i], cells[i]);
    }
  }
  return std::move(memory).seal();
}

}  // namespace swage::metrics
