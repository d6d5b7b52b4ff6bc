#include "core/server/own_files.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <string_view>

namespace swage::server {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 10'000;  // that are followed in one folder

// A file in one of these says nothing of the others there, which are the system's or everybody's.
constexpr std::array<std::string_view, 8> kSystemFolders = {"/bin", "/boot", "/dev", "/etc",
                                                            "/lib", "/proc", "/sys", "/usr"};
constexpr std::array<std::string_view, 4> kSharedFolders = {"/home", "/run", "/tmp", "/var"};

bool is_one_of(std::span<const std::string_view> folders, const std::string& folder) {
  return std::ranges::find(folders, folder) != folders.end();
}

// The nearest folder that is there: `path` itself, or one above it; empty where that is "/".
std::string folder_at(const fs::path& path) {
  std::error_code error;
  fs::path at = fs::weakly_canonical(fs::absolute(path, error), error);
  while (!at.empty() && at != at.root_path() && !fs::is_directory(at, error)) at = at.parent_path();
  return at == at.root_path() ? std::string() : at.string();
}

class Collector {
 public:
  explicit Collector(OwnFiles& own) : own_(own) {}

  // `to_make`: something there that is still to be made.
  void add_folder(const std::string& path, bool to_make = false) {
    const std::string folder = folder_at(path);
    if (folder.empty()) return;
    const bool is_others = is_one_of(kSystemFolders, folder) || (is_one_of(kSharedFolders, folder) && !to_make);
    (is_others ? own_.read : own_.written).insert(folder);
  }

  // A path that a directive may name.
  void add(const std::string& path) {
    std::error_code error;
    const bool is_there = fs::exists(path, error);
    if (!is_there && !path.contains('/')) return;
    if (is_there && fs::is_directory(path, error)) return add_with_links(path);
    add_file(path);
  }

 private:
  void add_file(const fs::path& path) {
    std::error_code error;
    add_folder(path.parent_path().empty() ? "." : path.parent_path().string(), !fs::exists(path, error));
    const fs::path real = fs::canonical(path, error);
    if (error) return;
    add_folder(real.parent_path());
    own_.written.insert(real.string());  // where its folder is everybody's
  }

  // Files of a folder may be links that lead out of it.
  void add_with_links(const std::string& folder) {
    add_folder(folder);
    if (folder_at(folder).empty()) return;
    std::error_code error;
    int most = kMaxLinks;
    for (fs::directory_iterator it(folder, error), end; !error && it != end && most-- > 0; it.increment(error)) {
      std::error_code unknown;
      if (!it->is_symlink(unknown)) continue;
      const fs::path real = fs::canonical(it->path(), unknown);
      if (!unknown) add_folder(fs::is_directory(real, unknown) ? real.string() : real.parent_path().string());
    }
  }

  OwnFiles& own_;
};

// What a word of the Corefile may be as a path: itself, or what comes after '='.
std::vector<std::string_view> paths_in(std::string_view word) {
  if (word.empty() || word.contains("://")) return {};
  std::vector<std::string_view> paths = {word};
  const std::size_t equals = word.find('=');
  if (equals != word.npos && equals + 1 < word.size()) paths.push_back(word.substr(equals + 1));
  return paths;
}

void add_working_directory(OwnFiles& own) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  if (error || (here == "/" && access("/", W_OK) != 0)) return;
  own.written.insert(here.string());
}

}  // namespace

OwnFiles own_files(const Configuration& configuration, config::Sources& sources, const std::string& path,
                   config::Translations translations) {
  OwnFiles own;
  add_working_directory(own);
  for (const std::string& place : sources.places()) {
    const fs::path folder = fs::path(place.substr(0, place.find_first_of("*?["))).parent_path();
    own.read.insert(folder_at(folder.empty() ? "." : folder));
    std::error_code error;
    if (const fs::path real = fs::canonical(place, error); !error) own.read.insert(folder_at(real.parent_path()));
  }
  own.read.erase("");
  Collector collector(own);
  config::Errors ignored;
  const auto blocks = config::parse(sources, path, ignored, translations);
  for (std::size_t i = 0; i < std::min(blocks.size(), configuration.blocks.size()); ++i) {
    const swage::ServerBlock& settings = configuration.blocks[i]->settings;
    if (!settings.root.empty()) collector.add_folder(settings.root);
    for (const config::Directive& directive : blocks[i].directives) {
      for (const config::Token& token : directive.tokens) {
        for (const std::string_view each : paths_in(token.text)) collector.add(settings.path(each));
      }
    }
  }
  return own;
}

}  // namespace swage::server
