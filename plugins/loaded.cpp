#include "plugins/loaded.h"

#include <elf.h>
#include <grp.h>
#include <link.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "core/plugin/loaded.h"
#include "core/shm/segment.h"
#include "core/text.h"
#include "core/whole_file.h"

// What this program is, as the linker says it.
extern "C" const ElfW(Ehdr) __ehdr_start;  // NOLINT(clang-diagnostic-reserved-identifier)

namespace swage::plugins {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxYaml = 64 << 10;        // bytes
constexpr std::size_t kMaxLibrary = 256U << 20;   // bytes
constexpr std::string_view kUsualPlace = "file";  // as for those that are built in

// yaml-cpp throws; here it is caught.
Result<std::string> value(const std::string& text, const char* key, std::string_view usual) {
  try {
    const YAML::Node node = YAML::Load(text);
    if (!node.IsMap()) return fail("plugin.yaml: expected keys and values");
    const YAML::Node found = node[key];
    return found ? found.as<std::string>() : std::string(usual);
  } catch (const YAML::Exception& error) {
    return fail("plugin.yaml: {}", error.what());
  }
}

// What plugin.yaml says of the contract; the library says it, too, once it is loaded.
Result<> check_contract(const std::string& yaml) {
  const std::string ours = fmt::format("{}", kContract);
  TRY(const std::string theirs, value(yaml, "contract", ours));
  if (theirs == ours) return {};
  return fail("plugin.yaml: it is for version {} of the contract, and this swage has {}", theirs, ours);
}

bool is_directive(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

std::string user_name(uid_t user) {
  const passwd* const entry = getpwuid(user);
  return entry == nullptr ? formatted("user {}", user) : entry->pw_name;
}

std::string group_name(gid_t group) {
  const struct group* const entry = getgrgid(group);
  return entry == nullptr ? formatted("{}", group) : entry->gr_name;
}

// Whether `user` alone is in it: root's, or one of the user's name, as many systems make one with each user.
bool is_private_group(gid_t group, uid_t user) {
  if (group == 0) return true;
  const passwd* const entry = getpwuid(user);
  if (entry == nullptr || entry->pw_gid != group) return false;
  const std::string name = entry->pw_name;
  const struct group* const found = getgrgid(group);
  if (found == nullptr || name != found->gr_name) return false;
  for (char** member = found->gr_mem; *member != nullptr; ++member) {
    if (name != *member) return false;
  }
  return true;
}

// Who else may change what is at `path`. `sticky`: a folder in which nobody may replace what is another's.
Result<> check_writers(const std::string& path, const struct stat& status, bool sticky) {
  const uid_t user = geteuid();
  if (status.st_uid != 0 && status.st_uid != user) {
    return fail("{} belongs to {}, who could change what runs as this server: chown it to {}", path,
                user_name(status.st_uid), user_name(user));
  }
  if ((status.st_mode & S_IWOTH) != 0 && !sticky) {
    return fail("everybody may write {}, and would run as this server: chmod o-w", path);
  }
  if ((status.st_mode & S_IWGRP) != 0 && !sticky && !is_private_group(status.st_gid, status.st_uid)) {
    return fail("the group {} may write {}, and would run as this server: chmod g-w", group_name(status.st_gid), path);
  }
  return {};
}

// Of `file`, a path without links, and the folders that it is in. Where a folder further up is everybody's, as /tmp is,
// its sticky bit keeps what is in it from others.
Result<> check_writers(const fs::path& file) {
  const fs::path folder = file.parent_path();
  for (fs::path each = file;; each = each.parent_path()) {
    struct stat status{};
    if (stat(each.c_str(), &status) != 0) return fail("{}: {}", each.string(), std::strerror(errno));
    const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0 && each != folder;
    TRY(check_writers(each.string(), status, sticky));
    if (each == each.root_path()) return {};
  }
}

// Whether it may be tried: a shared library for this machine.
Result<> check_header(Bytes file) {
  ElfW(Ehdr) header;
  const bool is_elf = file.size() >= sizeof(header) && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
  if (!is_elf) return fail("it is not a library");
  std::memcpy(&header, file.data(), sizeof(header));
  const auto same = [&](int at) { return header.e_ident[at] == __ehdr_start.e_ident[at]; };
  if (!same(EI_CLASS) || !same(EI_DATA) || header.e_machine != __ehdr_start.e_machine) {
    return fail("it is a library for another kind of machine");
  }
  if (header.e_type != ET_DYN) return fail("it is not a library");
  return {};
}

// The file's bytes as they are now.
Result<Descriptor> copy_library(const fs::path& path) {
  TRY(InputFile file, InputFile::open(path.string()));
  if (file.size() == 0) return fail("it is not a library");
  if (file.size() > kMaxLibrary) return fail("it has more than {} MiB", kMaxLibrary >> 20);
  TRY(shm::Segment copy, shm::Segment::create("swage plugin " + path.stem().string(), file.size()));
  TRY(const std::size_t size, file.read(copy.writable_bytes()));
  if (size != file.size()) return fail("it became shorter while it was read");
  TRY(check_header(copy.bytes()));
  TRY(const shm::Mapping sealed, std::move(copy).seal());
  return sealed.descriptor().duplicate();
}

// `path`: a folder, or a library.
Result<> find(const fs::path& path, PluginLibrary& plugin) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return fail("{}", error.message());
  plugin.path = real.string();
  const bool is_folder = fs::is_directory(real);
  const fs::path folder = is_folder ? real : real.parent_path();
  std::string yaml = "{}";
  if (is_folder || fs::exists(folder / "plugin.yaml")) {
    TRY(check_writers(folder / "plugin.yaml"));
    TRY(yaml, read_whole_file((folder / "plugin.yaml").string(), kMaxYaml));
  }
  TRY(plugin.directive, value(yaml, "directive", is_folder ? real.filename().string() : real.stem().string()));
  TRY(plugin.before, value(yaml, "before", kUsualPlace));
  TRY(check_contract(yaml));
  if (!is_directive(plugin.directive)) return fail("'{}' is not a directive's name", plugin.directive);
  const fs::path library = is_folder ? fs::canonical(folder / (plugin.directive + ".so"), error) : real;
  if (error) return fail("{}.so: {}", plugin.directive, error.message());
  TRY(check_writers(library));
  plugin.file = fs::absolute(is_folder ? path / (plugin.directive + ".so") : path).string();
  plugin.stamp = FileStamp::of(plugin.file);  // before it is read: a change meanwhile is seen
  TRY(plugin.image, copy_library(library));
  return {};
}

Result<PluginLibrary> library(const fs::path& path, std::string place) {
  PluginLibrary plugin{.place = std::move(place), .path = path.string()};
  if (const Result<> found = find(path, plugin); !found) return plugin.wrong(found.error().text());
  return plugin;
}

// lib/swage/plugins beside bin/, where this program is.
fs::path installed() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib/swage/plugins";
}

Result<std::vector<fs::path>> folders_of(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) folders.push_back(it->path());
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    return fail("{}: {}", folder.string(), error.message());
  }
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

Result<std::vector<PluginLibrary>> find_libraries(std::span<const config::Token> named) {
  std::vector<PluginLibrary> found;
  TRY(const std::vector<fs::path> folders, folders_of(installed()));
  for (const fs::path& folder : folders) {
    TRY(PluginLibrary each, library(folder, ""));
    found.emplace_back(std::move(each));
  }
  for (const config::Token& token : named) {
    const fs::path path = (fs::path(token.file).parent_path() / token.text).lexically_normal();
    TRY(PluginLibrary each, library(path, fmt::format("{}:{}: ", token.file, token.line)));
    found.emplace_back(std::move(each));
  }
  return found;
}

}  // namespace swage::plugins
