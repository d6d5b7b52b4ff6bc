// For the tests of dynamic updates: a zone that takes them, with its keys, and what a server says of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/support/server.h"
#include "tests/support/update_client.h"

namespace swage::tests {

inline constexpr std::string_view kSecret = "c3dhZ2UgdXBkYXRlIHRlc3Qgc2VjcmV0IG9mIDMyIGI=";
inline constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns host 10 3600 600 86400 5\n@ NS ns\n@ NS ns2\n@ TXT top\nns A 192.0.2.1\nns2 A 192.0.2.2\n"
    "www A 192.0.2.3\nwww A 192.0.2.4\nwww TXT a\nalias CNAME www\nmail MX 10 www\n";

// The keys `all`, which may change anything, and `acme`, which may change _acme-challenge.www.example.org TXT.
inline std::string update_keys() {
  std::string text;
  for (const char* const name : {"all", "acme"}) {
    text += fmt::format("key \"{}\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", name, kSecret);
  }
  return text;
}

// A zone with updates in a folder of its own, and a server for it.
struct UpdateBench {
  // `update`: more lines of the block.
  explicit UpdateBench(unsigned workers = 1, std::string_view zone = kZone, std::string_view reload = "0",
                       std::string_view update = "")
      : reload_(reload), update_(update) {
    static_cast<void>(folder.write("zone", zone));
    static_cast<void>(folder.write("keys", update_keys()));
    std::filesystem::permissions(folder.file("keys"), std::filesystem::perms(0600));
    options.workers = workers;
  }
  // `more`: directives of the server block.
  [[nodiscard]] std::string corefile(std::string_view more = "") const {
    return fmt::format(
        "example.org {{\n file {0}/zone {{\n  reload {1}\n  update {{\n   secrets {0}/keys\n{3}   key all may change "
        "example.org *.example.org any\n   key acme may change _acme-challenge.www.example.org TXT\n  }}\n }}\n "
        "errors\n{2}}}\n",
        folder.path(), reload_, more, update_);
  }

  Folder folder;
  ServerOptions options;
  std::string reload_, update_;
};

// The rcode, then the records of the answer, sorted.
inline std::string answers(const Server& server, const std::string& name, const std::string& type) {
  const Decoded answer = server.ask({.name = name, .type = type});
  std::string text = answer.rcode_text();
  std::vector<std::string> records = answer.answer;
  std::ranges::sort(records);
  for (const std::string& each : records) text += " " + each;
  return text;
}

inline std::uint32_t serial(const Server& server) {
  const std::string soa = answers(server, "example.org.", "SOA");
  std::istringstream words(soa);
  std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
  return all.size() > 7 ? static_cast<std::uint32_t>(std::stoul(all[7])) : 0;
}

}  // namespace swage::tests
