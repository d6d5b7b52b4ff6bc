// The command line of swagectl: docs/swagectl.md.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::ctl {

using Json = nlohmann::json;

struct Options {
  std::string socket;  // its path
  bool json = false;
  std::chrono::milliseconds patience{5000};  // without a byte of an answer; a reload and an upgrade have longer
  std::string command;                       // "help", "version", or what the request does
  Json request = Json::object();
};

// `arguments`: without the program's name. `usual_socket`: where none is named. An Error is for standard error, with
// exit status 2.
[[nodiscard]] Result<Options> parse_options(std::span<const char* const> arguments, std::string usual_socket);

// What help prints.
[[nodiscard]] std::string_view help();

}  // namespace swage::ctl
