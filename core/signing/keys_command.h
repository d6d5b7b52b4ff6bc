// The command `swage keys`: docs/swage-keys.md. Looks at and changes folders of keys beside a server that runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace swage::signing {

struct CommandOutput {
  int status = 0;  // of the process: 1 where it failed, 2 where the words are wrong
  std::string text{}, errors{};
};

// What stands after "keys" on the command line.
[[nodiscard]] CommandOutput run_keys_command(std::span<const char* const> arguments, std::int64_t now);

}  // namespace swage::signing
