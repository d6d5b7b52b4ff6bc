// Store: the zones of a folder, one file each, so that they are served after a restart without a primary. A file is a
// zone file (RFC 1035) with data in the form of RFC 3597; its time of modification is when a primary last confirmed
// it. In the service process; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/result.h"
#include "core/zone/builder.h"

namespace swage::plugins::secondary {

class Store {
 public:
  enum class Files : bool { any, own };  // `own`: those that are not of Store's making are left alone
  // `folder` empty: nothing is kept, and nothing fails.
  explicit Store(std::string folder, Files files = Files::any) : folder_(std::move(folder)), files_(files) {}

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // That files can be made there.
  [[nodiscard]] Result<> check() const;

  // Of the zone's file: "example.org.zone". An Error where the name is too long for one.
  [[nodiscard]] Result<std::string> path(dns::NameView zone) const;

  // An Error where the zone's file is there, was not written by a Store, and is to be left alone.
  [[nodiscard]] Result<> check(dns::NameView zone) const;

  // When the file was last confirmed, in seconds since 1970; 0: there is none.
  [[nodiscard]] std::int64_t confirmed(dns::NameView zone) const;
  // Reads it, and finishes `into`.
  [[nodiscard]] Result<> load(zone::Builder& into) const;

  // Puts the zone in `image` in the place of the file, as a whole: a reader, or a crash at any time, finds the old one
  // or the new one.
  [[nodiscard]] Result<> save(Bytes image, std::int64_t confirmed) const;
  // The zone is as it was. False where there is no such file.
  [[nodiscard]] bool confirm(dns::NameView zone, std::int64_t confirmed) const;

 private:
  std::string folder_;
  Files files_;
};

}  // namespace swage::plugins::secondary
