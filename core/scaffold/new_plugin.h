// `swage new-plugin NAME`: a repository with a plugin that builds, passes its test and answers, made of
// docs/examples/template/. Touches nothing but the new folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::scaffold {

struct NewPlugin {
  std::string name;  // of the directive, and of the folder: "my-plugin"
  bool service = false;
  bool observer = false;
};

// What stands after "new-plugin" on the command line. `taken`: the directives that there are. An Error is for standard
// error, with exit status 2.
[[nodiscard]] Result<NewPlugin> parse_new_plugin(std::span<const char* const> arguments,
                                                 std::span<const std::string_view> taken);

struct NewFile {
  std::string path;  // within the folder
  std::string text;
};

// A template's text: the name in all its spellings, and of what lies between lines with [[service]] or [[observer]] and
// [[end]] that which was asked for.
[[nodiscard]] std::string filled(std::string_view text, const NewPlugin& plugin);

// The files of the repository.
[[nodiscard]] std::vector<NewFile> new_plugin_files(const NewPlugin& plugin);

// Writes them to the folder NAME of the working directory, which must not be there. What was written when something
// fails stays.
[[nodiscard]] Result<> write_new_plugin(const NewPlugin& plugin);

}  // namespace swage::scaffold
