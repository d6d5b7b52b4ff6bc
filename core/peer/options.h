// The command line of swage-peer: docs/swage-peer.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/libp2p/key.h"
#include "core/libp2p/multiaddr.h"
#include "core/peer/dialect.h"
#include "core/peer/url.h"
#include "core/result.h"

namespace swage::peer {

struct Options {
  std::optional<Url> broker;  // nothing to register without
  std::string value;
  const Dialect* dialect = find_dialect("go");
  std::vector<std::string> announce;
  std::string host;     // empty: the URL's
  std::string ca_file;  // empty: the system's authorities
  std::chrono::milliseconds timeout{60'000};

  std::string key_file;  // empty: a key of this run
  std::optional<libp2p::KeyType> key_type;
  std::vector<libp2p::Multiaddr> listen;  // never empty where it listens
  bool listens = true;
  bool noise = true, tls = true;

  enum class Action : std::uint8_t { run, print_id, print_version, print_help } action = Action::run;
};

// `arguments`: without the program's name. An Error is for standard error, with exit status 2.
[[nodiscard]] Result<Options> parse_options(std::span<const char* const> arguments);

// What --help prints.
[[nodiscard]] std::string_view help();

}  // namespace swage::peer
