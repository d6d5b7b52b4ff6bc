#include "core/config/nearest.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/text.h"

namespace swage::config {
namespace {

constexpr std::size_t kMaxGuessed = 40;  // longer ones are not worth guessing

bool same(char a, char b) { return to_lower(a) == to_lower(b); }

// Damerau-Levenshtein distance, in its optimal string alignment form. REQUIRES: neither is longer than kMaxGuessed.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kMaxGuessed + 1>, kMaxGuessed + 1> cost;  // of a's first i letters to b's first j
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = cost[i - 1][j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kMaxGuessed) return std::nullopt;
  std::size_t best = std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string_view> found;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kMaxGuessed) continue;
    const std::size_t wrong = distance(word, candidate);
    if (wrong >= word.size() || wrong > best || (found && wrong == best)) continue;
    best = wrong;
    found = candidate;
  }
  return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto near = nearest(word, known);
  return near ? fmt::format("; did you mean '{}'?", *near) : "";
}

}  // namespace swage::config
