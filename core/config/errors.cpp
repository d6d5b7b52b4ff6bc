#include "core/config/errors.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/log.h"

namespace swage::config {

void Errors::know_file(const std::string& file) {
  if (std::ranges::find(files_, file) == files_.end()) files_.push_back(file);
}

void Errors::add(const Error& error) {
  const std::string& text = error.text();
  if (std::ranges::find(errors_, text, &Entry::text) != errors_.end()) return;
  if (errors_.size() == kMaxKept) {
    ++more_;
    return;
  }
  Entry entry{files_.size(), 0, text};
  for (std::size_t file = 0; file < files_.size(); ++file) {
    const std::string start = files_[file] + ":";
    if (!text.starts_with(start)) continue;
    unsigned line = 0;
    const auto [end, wrong] = std::from_chars(text.data() + start.size(), text.data() + text.size(), line);
    if (wrong == std::errc() && std::string_view(end).starts_with(':')) entry = {file, line, text};
  }
  errors_.push_back(std::move(entry));
}

Error Errors::joined() const {
  CHECK(!empty());
  std::vector<Entry> sorted = errors_;
  std::ranges::stable_sort(sorted, {}, [](const Entry& each) { return std::tuple(each.file, each.line); });
  const std::size_t shown = std::min(sorted.size(), kMaxTold);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += '\n';
    text += log::one_line(sorted[i].text);
  }
  const std::size_t more = sorted.size() - shown + more_;
  if (more > 0) text += fmt::format("\nand {}", counted(more, "more error"));
  return Error(std::move(text));
}

std::vector<std::string> lines_of(const Error& error) {
  std::vector<std::string> lines;
  std::string_view rest = error.text();
  while (lines.size() <= Errors::kMaxTold) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) lines.emplace_back(rest.substr(0, end));
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  return lines;
}

std::string in_one_line(const Error& error) {
  const std::vector<std::string> lines = lines_of(error);
  if (lines.size() < 2) return error.text();
  return lines.front() + " (the first of several errors)";
}

}  // namespace swage::config
