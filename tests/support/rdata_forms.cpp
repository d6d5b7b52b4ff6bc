#include "tests/support/rdata_forms.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace swage::tests {
namespace {

std::vector<RdataForm> load() {
  constexpr std::array<const char*, 3> kKinds = {"right", "doubtful", "wrong"};
  std::vector<RdataForm> forms;
  for (const auto& type : YAML::LoadFile("tests/conformance/rdata.yaml")) {
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
      for (const auto& form : type.second[kKinds[kind]]) {
        auto expected = form.second.as<std::string>();
        if (kind == RdataForm::right) std::erase(expected, ' ');
        forms.push_back(
            {type.first.as<std::string>(), form.first.as<std::string>(), expected, static_cast<RdataForm::Kind>(kind)});
      }
    }
  }
  return forms;
}

}  // namespace

const std::vector<RdataForm>& rdata_forms() {
  static const std::vector<RdataForm> kForms = load();
  return kForms;
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string generic_text(Bytes rdata) {
  return fmt::format("\\# {}{}{}", rdata.size(), rdata.empty() ? "" : " ", hex(rdata));
}

}  // namespace swage::tests
