#include <algorithm>
#include <array>

#include "plugins/plugins.h"

namespace swage::plugins {
namespace {

struct Origin {
  std::string_view directive, folder;
};

constexpr Origin kOrigins[] = {
#define ORIGIN(directive, folder) {directive, folder},
#include "plugins/origins.def"
#undef ORIGIN
    {},  // an array has one element at least
};

}  // namespace

std::string_view origin(std::string_view directive) {
  const Origin* const found = std::ranges::find(kOrigins, directive, &Origin::directive);
  return found == std::end(kOrigins) ? std::string_view() : found->folder;
}

}  // namespace swage::plugins
