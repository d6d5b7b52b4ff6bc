// What a `forward` of the Corefile says. Internal to plugins/forward.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/token.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::plugins::forward {

inline constexpr std::size_t kMaxUpstreams = 15;  // as in CoreDNS
inline constexpr std::uint16_t kDnsPort = 53, kTlsPort = 853;

inline constexpr std::uint16_t kHttpsPort = 443;

// A TO: an address, a file like /etc/resolv.conf that has some, or the name of a host.
struct To {
  config::Token token{};  // that says it
  std::optional<Endpoint> endpoint{};
  std::string path{};  // that it may be
  std::string host{};  // that it may be, where there is no such file
  std::uint16_t port = 0;
  bool tls = false, https = false;
  std::string server_name{};  // of TLS and HTTPS: what comes after '%'
};

enum class Policy : std::uint8_t { random, round_robin, sequential };

struct Settings {
  dns::Name from;
  std::vector<dns::Name> except;
  std::vector<To> to;
  Policy policy = Policy::random;
  bool force_tcp = false;
  bool doh_get = false;  // how https:// upstreams are asked; else by POST
  std::chrono::milliseconds expire{10'000};
  std::chrono::milliseconds max_age{0};          // of a connection; 0: no limit
  std::chrono::milliseconds read_timeout{2000};  // for an answer of one upstream
  std::optional<IpAddress> source;               // our address
  std::vector<Endpoint> resolvers;               // that know the names of TO; none: the system's
  std::string authorities;                       // path of the CA's certificates; empty: the system's
  std::string certificate, key;                  // paths of ours; empty: none is shown
  std::string server_name;                       // of TLS

  unsigned max_fails = 2;            // 0: never down
  unsigned most_connects = 0;        // of a question; 0: as many as there is time for
  std::uint32_t most_at_a_time = 0;  // questions; 0: no limit but the process's
  std::chrono::milliseconds check_interval{500};
  bool check_recursion = true;
  dns::Name check_domain;
  bool fails_fast = false;
  std::vector<dns::Rcode> next, failover;
  bool next_on_nodata = false;
};

// "192.0.2.1", "[2001:db8::1]:5353", "dns://192.0.2.1", "tls://192.0.2.1%dns.example:853", "https://dns.example",
// "dns.example:53"; what is not an address and has no "://" is a path. An Error, without file and line, for anything
// else.
[[nodiscard]] Result<To> parse_to(std::string_view text);

// "NXDOMAIN", in any case.
[[nodiscard]] Result<dns::Rcode> parse_rcode(std::string_view text);

// The addresses of the nameserver lines in a file like resolv.conf(5).
[[nodiscard]] std::vector<Endpoint> nameservers_in(std::string_view resolv_conf);

}  // namespace swage::plugins::forward
