// What an operator may have meant by an unknown word.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace swage::config {

// The word of `known` that is nearest to `word`, if it is near: a third of its letters may be wrong, missing, too many
// or swapped with their neighbour, and at least one. Case does not count. The result views what `known` views.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

// "; did you mean 'file'?", or "" if nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace swage::config
