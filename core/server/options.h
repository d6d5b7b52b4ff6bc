// The command line of swage: CoreDNS's flags, with one dash or two, and some of our own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "core/result.h"
#include "core/server/handover.h"

namespace swage::server {

struct Options {
  std::string corefile = "Corefile";
  bool corefile_given = false;   // by -conf; otherwise, where there is no such file, the default Corefile serves
  bool corefile_on_disk = true;  // false: standard input, or the default Corefile
  std::uint16_t dns_port = 53;   // for server blocks without a port
  std::size_t workers = 0;       // dns processes of each kind; 0: one a core
  std::string pidfile;           // empty: none
  std::string control;           // as -control has it
  bool quiet = false;
  bool try_ports = false;  // with check
  log::Form log_form{};
  Invocation invocation{};
  std::vector<std::string_view> service_variables{};  // of the environment, that Services read; the program's to say
  enum class Action : std::uint8_t {
    serve,
    check,
    reload,  // that of the server with `pidfile`
    print_version,
    print_plugins,
    print_help
  } action = Action::serve;
};

// `arguments`: without the program's name. An Error is for standard error, with exit status 2.
[[nodiscard]] Result<Options> parse_options(std::span<const char* const> arguments);

// What -help prints.
[[nodiscard]] std::string_view help();

}  // namespace swage::server
