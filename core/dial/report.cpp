#include "core/dial/report.h"

#include <fmt/format.h>

#include "core/counted.h"

namespace swage::dial {
namespace {

constexpr std::size_t kMaxSkipped = 32;  // more do not fit anyway

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  return fmt::format("{}...", text.substr(0, most - 3));
}

}  // namespace

std::string Report::line(std::string_view address, std::string_view why) {
  return shortened(address, kMaxAddress) + ": " + shortened(why, kMaxReason);
}

void Report::not_dialled(std::string_view address, std::string_view why) {
  if (skipped_.size() >= kMaxSkipped) return not_dialled();
  skipped_.push_back(line(address, fmt::format("not dialled: {}", why)));
}

std::string Report::text() const {
  constexpr std::size_t kMore = 32;  // for "; and 1000 more"
  const std::size_t all = dialled_.size() + skipped_.size() + others_;
  std::string text = fmt::format("{} of {} dialled", dialled_.size(), counted(all, "address", "addresses"));
  std::size_t told = 0;
  for (const auto* lines : {&dialled_, &skipped_}) {
    for (const std::string& each : *lines) {
      if (text.size() + each.size() + kMore > kMaxText) break;
      text += (told++ == 0 ? ": " : "; ") + each;
    }
  }
  if (told > 0 && told < all) text += fmt::format("; and {} more", all - told);
  return text;
}

}  // namespace swage::dial
