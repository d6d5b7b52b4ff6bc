// Resolver: host names to IP addresses, by c-ares on the loop, as the system is configured: /etc/hosts,
// /etc/resolv.conf.
//
// Names are absolute: no search domains, no HOSTALIASES. What it says is not authenticated; whoever connects to an
// address judges it first, and connects to that address, not to the name.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/async/waiter.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::async {

// A name of DNS as hosts have them (RFC 1123, section 2.1, and '_'): labels of 1 to 63 letters, digits, '-' and '_',
// 253 characters in all, the last label not of digits alone (that would be an IP address, or something that passes for
// one). No dot at the end.
[[nodiscard]] bool is_host_name(std::string_view name);

class Resolver {
 public:
  struct Settings {
    std::vector<Endpoint> servers{};          // instead of the system's
    bool hosts_file = true;                   // ask /etc/hosts first
    std::chrono::milliseconds timeout{5000};  // of resolve()
    std::chrono::milliseconds try_timeout{1500};
    int tries = 3;              // of each server
    std::size_t answers = 16;   // addresses of a name; what is more is left out
    std::size_t lookups = 256;  // at once; more fail
  };
  enum class Family { any, v4, v6 };

  explicit Resolver(Loop& loop);
  Resolver(Loop& loop, Settings settings);
  // Waiting callers get an Error.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // At least one address, without duplicates; an Error where there is none. REQUIRES: the Resolver is there when the
  // task begins to run.
  [[nodiscard]] Task<Result<std::vector<IpAddress>>> resolve(std::string name, Family family);

 private:
  class Lookup;

  Loop& loop_;
  Settings settings_;
  Link lookups_;  // that are under way
  std::size_t count_ = 0;
};

}  // namespace swage::async
