#include "core/scaffold/new_plugin.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "core/scaffold/templates.h"
#include "core/text.h"

namespace swage::scaffold {
namespace {

constexpr std::size_t kMaxName = 40;

// A namespace of this name below swage::plugins would not be one, or would hide what the plugin's code needs.
constexpr auto kReserved = std::to_array<std::string_view>(
    {"alignas",  "and",       "asm",      "async",     "auto",      "bool",     "break",    "case",     "catch",
     "char",     "class",     "compl",    "concept",   "config",    "const",    "continue", "crypto",   "default",
     "delete",   "denylist",  "detail",   "dial",      "dns",       "do",       "double",   "else",     "enum",
     "etcd",     "explicit",  "export",   "extern",    "false",     "fleet",    "float",    "fmt",      "for",
     "forge",    "friend",    "goto",     "http",      "if",        "inline",   "int",      "libp2p",   "linux",
     "log",      "long",      "metrics",  "mutable",   "namespace", "new",      "not",      "operator", "or",
     "peer",     "plugins",   "private",  "protected", "public",    "regex",    "register", "requires", "return",
     "scaffold", "server",    "setup",    "shm",       "short",     "signed",   "sizeof",   "static",   "std",
     "struct",   "swage",     "switch",   "template",  "tests",     "this",     "throw",    "true",     "try",
     "typedef",  "typeid",    "typename", "union",     "unix",      "unsigned", "using",    "virtual",  "void",
     "volatile", "websocket", "while",    "xor",       "zone",      "zonefile"});

bool is_name(std::string_view name) {
  char before = '-';
  for (const char c : name) {
    if (!is_lower(c) && !is_digit(c) && c != '-') return false;
    if (before == '-' && c == '-') return false;
    before = c;
  }
  return !name.empty() && name.size() <= kMaxName && is_lower(name.front()) && before != '-';
}

Result<> check_name(std::string_view name, std::span<const std::string_view> taken) {
  if (!is_name(name)) {
    return fail("new-plugin: '{}' is not a directive's name: expected at most {} lower-case letters, digits and '-'",
                name, kMaxName);
  }
  if (std::ranges::find(taken, name) != taken.end()) return fail("new-plugin: there is a directive '{}' already", name);
  if (std::ranges::find(kReserved, name) != kReserved.end()) {
    return fail("new-plugin: '{}' means something else in the code of a plugin; take another name", name);
  }
  return {};
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string with_underscores(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}

// "my-plugin" is MyPlugin.
std::string type_name(std::string_view name) {
  std::string type;
  bool first = true;
  for (const char c : name) {
    if (c != '-') type += first ? to_upper(c) : c;
    first = c == '-';
  }
  return type;
}

void fill_name(std::string& text, const NewPlugin& plugin) {
  replace_all(text, "plugin-name", plugin.name);
  replace_all(text, "plugin_name", with_underscores(plugin.name));
  replace_all(text, "PluginName", type_name(plugin.name));
}

Result<> write(const std::filesystem::path& path, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (error || !file) return fail("new-plugin: {} cannot be written", path.string());
  return {};
}

}  // namespace

Result<NewPlugin> parse_new_plugin(std::span<const char* const> arguments, std::span<const std::string_view> taken) {
  NewPlugin plugin;
  for (const std::string_view argument : arguments) {
    if (argument == "--service" || argument == "-service") {
      plugin.service = true;
    } else if (argument == "--observer" || argument == "-observer") {
      plugin.observer = true;
    } else if (argument.starts_with('-') || !plugin.name.empty()) {
      return fail("new-plugin: unexpected '{}': expected NAME [--service] [--observer]", argument);
    } else {
      plugin.name = argument;
    }
  }
  TRY(check_name(plugin.name, taken));
  return plugin;
}

std::string filled(std::string_view text, const NewPlugin& plugin) {
  std::string result;
  bool wanted = true;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(size);
    if (line.find("[[service]]") != std::string_view::npos) {
      wanted = plugin.service;
    } else if (line.find("[[observer]]") != std::string_view::npos) {
      wanted = plugin.observer;
    } else if (line.find("[[end]]") != std::string_view::npos) {
      wanted = true;
    } else if (wanted) {
      result += line;
    }
  }
  fill_name(result, plugin);
  return result;
}

std::vector<NewFile> new_plugin_files(const NewPlugin& plugin) {
  std::vector<NewFile> files;
  for (const Template& each : templates()) {
    std::string path(each.path);
    fill_name(path, plugin);
    files.push_back({std::move(path), filled(each.text, plugin)});
  }
  return files;
}

Result<> write_new_plugin(const NewPlugin& plugin) {
  std::error_code error;
  const bool made = std::filesystem::create_directory(plugin.name, error);
  if (error) return fail("new-plugin: the folder {} cannot be made: {}", plugin.name, error.message());
  if (!made) return fail("new-plugin: there is a folder {} already", plugin.name);
  for (const NewFile& file : new_plugin_files(plugin)) {
    TRY(write(std::filesystem::path(plugin.name) / file.path, file.text));
  }
  return {};
}

}  // namespace swage::scaffold
