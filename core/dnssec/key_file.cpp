#include "core/dnssec/key_file.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/new_file.h"
#include "core/whole_file.h"

namespace swage::dnssec {
namespace {

constexpr std::size_t kLargestFile = 16 << 10;  // bytes; an RSA key of 4096 bits takes 3.4 kB
constexpr std::size_t kMostKeys = 10'000;       // in a folder
constexpr std::string_view kPublic = ".key", kPrivate = ".private";
constexpr mode_t kPublicMode = 0644, kPrivateMode = 0600;

std::unexpected<Error> system_error(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0 || errno != ENOENT; }

std::string without_ending(std::string path) {
  for (const std::string_view ending : {kPublic, kPrivate}) {
    if (path.ends_with(ending)) path.resize(path.size() - ending.size());
  }
  return path;
}

// The text of a .private file; empty where there is none.
struct PrivateFile {
  crypto::Secret memory{};
  std::size_t size = 0;

  [[nodiscard]] std::string_view text() const { return as_text(memory.bytes().first(size)); }
};

Result<PrivateFile> read_private(const std::string& path, std::vector<std::string>& warnings) {
  TRY(InputFile file, InputFile::open(path));
  PrivateFile read{crypto::Secret(kLargestFile)};
  TRY(read.size, file.read(read.memory.bytes()));
  if (read.size == kLargestFile) return fail("{}: too large for a key", path);
  if (read.size == 0) return fail("{}: the file is empty", path);
  if ((file.mode() & S_IRWXO) != 0) {
    warnings.push_back(formatted("{}: everybody on this machine may use this private key: chmod o= {}", path, path));
  }
  return read;
}

}  // namespace

Result<StoredKey> read_key_files(const std::string& path, Half half, std::vector<std::string>& warnings) {
  const std::string base = without_ending(path), private_path = base + std::string(kPrivate);
  TRY(const std::string public_text, read_whole_file(base + std::string(kPublic), kLargestFile));
  PrivateFile secret;
  if (half == Half::refused || exists(private_path)) {
    TRY(secret, read_private(private_path, warnings));
  }
  const Result<Key> shown = Key::read(public_text, "");
  if (!shown) return fail("{}{}: {}", base, kPublic, shown.error().text());
  Result<StoredKey> stored = parse_key(public_text, secret.text());
  if (!stored)
    return fail("{}: {}", secret.size != 0 ? private_path : base + std::string(kPublic), stored.error().text());
  return stored;
}

Result<std::vector<StoredKey>> read_key_folder(const std::string& folder, std::vector<std::string>& warnings,
                                               const dns::Name* zone) {
  const std::string begin = zone == nullptr ? "K" : file_prefix(*zone);
  struct Close {
    void operator()(DIR* open) const { closedir(open); }
  };
  const std::unique_ptr<DIR, Close> open(opendir(folder.c_str()));
  if (!open) return system_error(folder);
  std::vector<std::string> names;
  while (const dirent* const entry = readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(begin) && name.ends_with(kPublic)) names.emplace_back(name);
    if (names.size() > kMostKeys) return fail("{}: more than {} keys", folder, kMostKeys);
  }
  std::ranges::sort(names);
  std::vector<StoredKey> keys;
  for (const std::string& name : names) {
    TRY(StoredKey stored, read_key_files(folder + "/" + name, Half::allowed, warnings));
    keys.push_back(std::move(stored));
  }
  return keys;
}

Result<> replace_file(const std::string& folder, const std::string& name, Bytes content, unsigned mode) {
  TRY(NewFile file, NewFile::create(folder + "/" + name, mode));
  TRY(file.write(content));
  TRY(file.give_to_owner_of_folder());  // what root makes, by `swage keys`, is for the user of the server
  return file.replace();
}

Result<> write_key_files(const std::string& folder, const StoredKey& stored) {
  const std::string name = file_name(stored.key);
  if (stored.key.can_sign()) {
    const crypto::Secret secret = private_text(stored);
    TRY(replace_file(folder, name + std::string(kPrivate), secret.bytes(), kPrivateMode));
  }
  return replace_file(folder, name + std::string(kPublic), as_bytes(public_text(stored)), kPublicMode);
}

Result<> remove_key_files(const std::string& folder, const Key& key) {
  const std::string base = folder + "/" + file_name(key);
  for (const std::string_view ending : {kPublic, kPrivate}) {
    if (unlink((base + std::string(ending)).c_str()) != 0 && errno != ENOENT)
      return system_error(base + std::string(ending));
  }
  return {};
}

}  // namespace swage::dnssec
