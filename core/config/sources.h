// What a Corefile is made of: the text of each file, what each glob matched, the environment variables it names, and
// what the interfaces that it may name are.
//
// The supervisor reads from disk, and everything that was read is recorded. The children get the record, so that the
// same parse gives the same result in every process, whatever has changed on disk since; and two records tell whether a
// Corefile has changed. Not for the files that plugins read (zones and the like).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::config {

class Sources {
 public:
  static constexpr std::size_t kMaxFile = 1U << 20;   // bytes of one file
  static constexpr std::size_t kMaxTotal = 8U << 20;  // bytes of all files together
  static constexpr std::size_t kMaxMatches = 10'000;  // of one glob

  Sources() = default;                       // knows only what is added: for tests, the default Corefile, and children
  [[nodiscard]] static Sources from_disk();  // what is not recorded yet is read from disk and the environment

  void add(std::string path, std::string text);       // instead of what the disk has; ends views of an older text
  void set_env(std::string name, std::string value);  // instead of what the environment has

  // All variables that `other` has recorded, as they are there.
  void take_environment(const Sources& other) { env_ = other.env_; }

  // The text of a file. The view lives as long as this object. Fails for what cannot be read or is too large; the Error
  // is "PATH: why", without a line, and recorded too.
  [[nodiscard]] Result<std::string_view> read(const std::string& path);
  // The paths that match, sorted; hidden files match only a pattern with the dot (glob(7)). None is not an error.
  [[nodiscard]] Result<std::vector<std::string>> glob(const std::string& pattern);
  // The value of an environment variable; nullopt if it is not set.
  [[nodiscard]] std::optional<std::string> env(const std::string& name);

  // Where all of it was read, or looked for: files, and patterns of globs.
  [[nodiscard]] std::vector<std::string> places() const;

  // The addresses that the network interfaces of this machine had when the record was begun, as text, by interface.
  [[nodiscard]] const std::map<std::string, std::vector<std::string>>& interfaces() const { return interfaces_; }

  // The record as bytes, for deserialize() in another process of the same build.
  [[nodiscard]] std::string serialize() const;
  // What comes out knows only the record. Fails for anything that serialize() did not make; never reads past `bytes`.
  [[nodiscard]] static Result<Sources> deserialize(std::string_view bytes);

  // The same files, globs and variables with the same contents. Interfaces and failures do not count.
  [[nodiscard]] bool operator==(const Sources& other) const;

  // What the operator should know although it is no error, as "FILE:LINE: text". Neither serialised nor compared.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  void warn(const Error& warning) { warnings_.push_back(warning.text()); }

 private:
  [[nodiscard]] Result<std::string_view> read_disk(const std::string& path);
  // Fails as it did, and will.
  std::unexpected<Error> keep_failure(const std::string& of, const Error& why);

  bool disk_ = false;
  std::size_t total_ = 0;  // bytes in files_
  std::map<std::string, std::string> files_;
  std::map<std::string, std::vector<std::string>> globs_;
  std::map<std::string, std::string> failures_;  // why a path or a pattern could not be read
  std::map<std::string, std::optional<std::string>> env_;
  std::map<std::string, std::vector<std::string>> interfaces_;
  std::vector<std::string> warnings_;
};

}  // namespace swage::config
