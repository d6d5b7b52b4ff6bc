// The files of docs/examples/template/, which CMake puts into the program. Internal to core/scaffold.
#pragma once

#include <span>
#include <string_view>

namespace swage::scaffold {

struct Template {
  std::string_view path;  // in the new repository
  std::string_view text;
};

[[nodiscard]] std::span<const Template> templates();

}  // namespace swage::scaffold
