#include "core/config/sources.h"

#include <fnmatch.h>
#include <glob.h>
#include <ifaddrs.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/net.h"
#include "core/whole_file.h"

namespace swage::config {
namespace {

Result<std::vector<std::string>> glob_disk(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> paths;
  if (status == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (status != 0 && status != GLOB_NOMATCH) return fail("'{}': cannot read the folder", pattern);
  std::sort(paths.begin(), paths.end());  // glob(3) sorts by the locale
  return paths;
}

std::map<std::string, std::vector<std::string>> addresses_of_interfaces() {
  std::map<std::string, std::vector<std::string>> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    auto& addresses = found[entry->ifa_name];
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family != AF_INET && entry->ifa_addr->sa_family != AF_INET6) continue;
    addresses.push_back(Endpoint::from_sockaddr(entry->ifa_addr).address.to_string());
  }
  freeifaddrs(list);
  return found;
}

// The record: "swage sources 2\n", then the files, the failures, the globs, the environment and the interfaces, each as
// a count and so many entries.
//
//   count  u32          file     text path, text contents    glob  text pattern, count, that many text paths
//   text   u32 size,    failure  text path, text why         env   text name, count 0 or 1, that many text value
//          so many bytes                                     interface  text name, count, that many text addresses
constexpr std::string_view kMagic = "swage sources 2\n";

class Writer {
 public:
  void count(std::size_t value) {
    std::uint8_t bytes[4];
    store_u32(bytes, static_cast<std::uint32_t>(value));
    out_ += as_text(bytes);
  }
  void text(std::string_view value) {
    count(value.size());
    out_ += value;
  }
  void lists(const std::map<std::string, std::vector<std::string>>& lists) {
    count(lists.size());
    for (const auto& [name, values] : lists) {
      text(name);
      count(values.size());
      for (const std::string& value : values) text(value);
    }
  }
  std::string out_{kMagic};
};

// After the first failure everything reads as 0 and "".
class PackedReader {
 public:
  explicit PackedReader(std::string_view bytes) : rest_(bytes) {}
  std::uint32_t count() {
    const std::string_view bytes = take(4);
    return bytes.empty() ? 0 : load_u32(as_bytes(bytes).data());
  }
  std::string text() { return std::string(take(count())); }
  void lists(std::map<std::string, std::vector<std::string>>& lists) {
    for (auto left = count(); left > 0 && ok_; --left) {
      std::vector<std::string>& values = lists[text()];
      for (auto more = count(); more > 0 && ok_; --more) values.push_back(text());
    }
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view take(std::size_t size) {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

Sources Sources::from_disk() {
  Sources sources;
  sources.disk_ = true;
  sources.interfaces_ = addresses_of_interfaces();
  return sources;
}

void Sources::add(std::string path, std::string text) {
  std::string& file = files_[std::move(path)];
  total_ += text.size() - file.size();
  file = std::move(text);
}

void Sources::set_env(std::string name, std::string value) { env_[std::move(name)] = std::move(value); }

Result<std::string_view> Sources::read(const std::string& path) {
  if (const auto file = files_.find(path); file != files_.end()) return file->second;
  if (const auto failure = failures_.find(path); failure != failures_.end()) return fail("{}", failure->second);
  if (!disk_) return fail("{}: {}", path, std::strerror(ENOENT));
  const auto text = read_disk(path);
  if (!text) return keep_failure(path, text.error());
  return *text;
}

std::unexpected<Error> Sources::keep_failure(const std::string& of, const Error& why) {
  failures_[of] = why.text();
  return std::unexpected(why);
}

Result<std::string_view> Sources::read_disk(const std::string& path) {
  TRY(std::string text, read_whole_file(path, kMaxFile));
  if (total_ + text.size() > kMaxTotal) return fail("{}: with it all files are larger than {} bytes", path, kMaxTotal);
  total_ += text.size();
  text.shrink_to_fit();
  return files_.emplace(path, std::move(text)).first->second;
}

Result<std::vector<std::string>> Sources::glob(const std::string& pattern) {
  if (const auto known = globs_.find(pattern); known != globs_.end()) return known->second;
  if (const auto failure = failures_.find(pattern); failure != failures_.end()) return fail("{}", failure->second);
  if (disk_) {
    auto found = glob_disk(pattern);
    if (!found) return keep_failure(pattern, found.error());
    if (found->size() > kMaxMatches) {
      return keep_failure(pattern, Error(fmt::format("'{}': more than {} files match", pattern, kMaxMatches)));
    }
    globs_.emplace(pattern, *found);
    return found;
  }
  std::vector<std::string> paths;
  for (const auto& [path, text] : files_) {
    if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) paths.push_back(path);
  }
  return paths;
}

std::vector<std::string> Sources::places() const {
  std::vector<std::string> places;
  for (const auto& [path, text] : files_) places.push_back(path);
  for (const auto& [pattern, found] : globs_) places.push_back(pattern);
  return places;
}

std::optional<std::string> Sources::env(const std::string& name) {
  if (const auto known = env_.find(name); known != env_.end()) return known->second;
  if (!disk_) return std::nullopt;
  const char* value = std::getenv(name.c_str());
  return env_[name] = value == nullptr ? std::optional<std::string>() : value;
}

std::string Sources::serialize() const {
  Writer writer;
  writer.count(files_.size());
  for (const auto& [path, text] : files_) {
    writer.text(path);
    writer.text(text);
  }
  writer.count(failures_.size());
  for (const auto& [path, why] : failures_) {
    writer.text(path);
    writer.text(why);
  }
  writer.lists(globs_);
  writer.count(env_.size());
  for (const auto& [name, value] : env_) {
    writer.text(name);
    writer.count(value ? 1 : 0);
    if (value) writer.text(*value);
  }
  writer.lists(interfaces_);
  return std::move(writer.out_);
}

Result<Sources> Sources::deserialize(std::string_view bytes) {
  Sources sources;
  PackedReader reader(bytes.substr(std::min(kMagic.size(), bytes.size())));
  for (auto left = reader.count(); left > 0 && reader.ok(); --left) {
    std::string path = reader.text();
    sources.add(std::move(path), reader.text());
  }
  for (auto left = reader.count(); left > 0 && reader.ok(); --left) {
    std::string& why = sources.failures_[reader.text()];
    why = reader.text();
  }
  reader.lists(sources.globs_);
  for (auto left = reader.count(); left > 0 && reader.ok(); --left) {
    std::optional<std::string>& value = sources.env_[reader.text()];
    if (reader.count() != 0) value = reader.text();
  }
  reader.lists(sources.interfaces_);
  // Only what serialize() makes is valid: this also finds a wrong magic, duplicates, disorder and trailing bytes.
  if (!reader.ok() || sources.serialize() != bytes) return fail("not a record of configuration sources");
  return sources;
}

bool Sources::operator==(const Sources& other) const {
  return files_ == other.files_ && globs_ == other.globs_ && env_ == other.env_;
}

}  // namespace swage::config
