#include "core/zone/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/counted.h"

namespace swage::zone {

void Report::enter(const std::string& file, unsigned line) {
  if (files_.empty() || files_.back() != file) files_.push_back(file);
  stretches_.push_back({static_cast<Place>(next_), static_cast<unsigned>(files_.size() - 1), line});
}

Place Report::place(unsigned line) {
  if (stretches_.empty()) return 0;
  const std::uint64_t place = std::uint64_t{stretches_.back().first} + (line - stretches_.back().line);
  next_ = std::max(next_, place + 1);
  return next_ > UINT32_MAX ? 0 : static_cast<Place>(place);  // four thousand million lines
}

std::string Report::located(Place place, std::string_view text) const {
  if (files_.empty()) return std::string(text);
  if (place == 0) return fmt::format("{}: {}", files_.front(), text);
  const auto after = std::ranges::upper_bound(stretches_, place, {}, &Stretch::first);
  const Stretch& stretch = *std::prev(after);
  return Error::at(files_[stretch.file], stretch.line + (place - stretch.first), text).text();
}

void Report::refuse(Place place, std::string_view text) {
  if (!is_full()) errors_.push_back(located(place, text));
}

std::vector<std::string> Report::warnings() const {
  std::vector<std::pair<Place, std::string>> all;
  for (const Kind& kind : kinds_) {
    for (const auto& [place, text] : kind.kept) all.emplace_back(place, located(place, text));
    if (kind.count > kMaxAlike) all.back().second += fmt::format("; and {} more", kind.count - kMaxAlike);
  }
  std::ranges::stable_sort(all, {}, [](const auto& each) { return each.first; });
  std::vector<std::string> lines;
  for (auto& [place, line] : all) lines.push_back(std::move(line));
  return lines;
}

Error Report::error() const {
  CHECK(!errors_.empty());
  if (errors_.size() == 1) return Error(errors_.front());
  if (is_full()) return Error(fmt::format("{}; and more errors", errors_.front()));
  return Error(fmt::format("{}; and {}", errors_.front(), counted(errors_.size() - 1, "more error")));
}

}  // namespace swage::zone
