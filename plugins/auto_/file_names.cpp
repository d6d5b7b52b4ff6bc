#include "plugins/auto_/file_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace swage::plugins::auto_ {

bool FileNames::may_be_zone(std::string_view file) {
  static constexpr std::array<std::string_view, 15> kEndings = {
      "~",         ".swp",      ".swo",      ".bak",       ".orig",   ".rej",     ".tmp",    ".jnl",
      ".dpkg-old", ".dpkg-new", ".dpkg-tmp", ".dpkg-dist", ".rpmnew", ".rpmsave", ".rpmorig"};
  if (file.starts_with('.') || (file.starts_with('#') && file.ends_with('#'))) return false;
  return std::ranges::none_of(kEndings, [&](std::string_view ending) { return file.ends_with(ending); });
}

std::optional<Result<dns::Name>> FileNames::origin_of(std::string_view file) const {
  std::array<std::string_view, regex::kMaxGroups> groups;
  const std::size_t count = std::min(pattern.groups() + 1, groups.size());
  if (!pattern.match(file, std::span(groups).first(count))) return std::nullopt;
  std::string text;
  for (std::size_t at = 0; at < origin.size(); ++at) {
    const std::size_t end = origin[at] == '{' ? origin.find('}', at) : std::string::npos;
    std::size_t group = count;
    if (end != std::string::npos) std::from_chars(&origin[at] + 1, &origin[end], group);
    if (group < count) {
      text += groups[group];
      at = end;
    } else {
      text += origin[at];
    }
  }
  const auto name = dns::Name::parse(text);
  if (!name) return Result<dns::Name>(std::unexpected(name.error()));
  return Result<dns::Name>(name->lowercased());
}

}  // namespace swage::plugins::auto_
