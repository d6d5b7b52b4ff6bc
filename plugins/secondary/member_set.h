// MemberSet: the zones of a catalog, in one snapshot: they come and go while the server runs, and a snapshot has to be
// declared beforehand. A FlatMap of images by name in wire format and lower case; a zone that has expired has a value
// of kExpiredSize bytes, one that was never transferred a value of one byte. In the service process.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/async/event.h"
#include "core/dns/name.h"
#include "core/plugin/service.h"
#include "core/shm/snapshot.h"
#include "plugins/secondary/published.h"

namespace swage::plugins::secondary {

class MemberSet {
 public:
  // `snapshot` outlives it, and it all that add() gives.
  explicit MemberSet(shm::Snapshot& snapshot) : snapshot_(snapshot) {}
  MemberSet(const MemberSet&) = delete;
  MemberSet& operator=(const MemberSet&) = delete;

  // The key of what no query asks for: of the catalog zone itself.
  [[nodiscard]] static std::string hidden_key(dns::NameView name) { return '\xff' + key(name); }
  [[nodiscard]] static bool is_hidden(std::string_view key) { return key.starts_with('\xff'); }
  [[nodiscard]] static std::string key(dns::NameView name) { return std::string(as_text(name.bytes())); }

  // A zone that is in the set as long as the object exists; it begins with what the set has for it, or with `before`.
  // REQUIRES: there is none with that key.
  [[nodiscard]] std::unique_ptr<Published> add(std::string key, shm::Held before = {});

  // Publishes what has changed, at once; for prepare().
  [[nodiscard]] Result<> publish();
  // The same from time to time, until the Service is to stop.
  [[nodiscard]] async::Task<> run(Host& host);

 private:
  class Member;
  using Images = std::map<std::string, shm::Held>;

  [[nodiscard]] shm::Held find(const std::string& key) const;
  [[nodiscard]] Images images() const;
  [[nodiscard]] Result<> take(Result<shm::Segment> set, const Images& contained);
  void change(const std::string& key, shm::Held fresh);

  shm::Snapshot& snapshot_;
  std::map<std::string, Member*> members_;
  Images
      fresh_;  // what is not published yet; no bytes: a member that is gone, whose name may come again as another zone
  bool changed_ = true;
};

}  // namespace swage::plugins::secondary
