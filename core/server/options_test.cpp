#include "core/server/options.h"

#include <vector>

#include <catch2/catch.hpp>

using namespace swage;
using server::Options;
using server::parse_options;

namespace {

Result<Options> parse(std::vector<const char*> arguments) { return parse_options(arguments); }
std::string error_of(std::vector<const char*> arguments) {
  const Result<Options> options = parse(std::move(arguments));
  return options ? "no error" : options.error().text();
}

}  // namespace

TEST_CASE("options: one dash or two, a space or '='") {
  for (const char* const dash : {"-", "--"}) {
    const std::string conf = std::string(dash) + "conf", port = std::string(dash) + "dns.port=5353",
                      quiet = std::string(dash) + "quiet";
    const Result<Options> options = parse({conf.c_str(), "a/Corefile", port.c_str(), quiet.c_str(), "-workers", "3"});
    REQUIRE(options);
    CHECK(options->corefile == "a/Corefile");
    CHECK(options->corefile_given);
    CHECK(options->dns_port == 5353);
    CHECK(options->quiet);
    CHECK(options->workers == 3);
    CHECK(options->action == Options::Action::serve);
  }
  const Result<Options> none = parse({});
  CHECK(none->corefile == "Corefile");
  CHECK_FALSE(none->corefile_given);
  CHECK(none->dns_port == 53);
  CHECK(parse({"-check"})->action == Options::Action::check);
  CHECK(parse({"-help"})->action == Options::Action::print_help);
  CHECK(parse({"--version"})->action == Options::Action::print_version);
  CHECK(parse({"-plugins"})->action == Options::Action::print_plugins);
  CHECK(parse({"-pidfile=/run/x"})->pidfile == "/run/x");
  CHECK(parse({"-quiet=true"})->quiet);
  CHECK_FALSE(parse({"-quiet=0"})->quiet);
  CHECK_FALSE(parse({"-quiet", "-quiet=false"})->quiet);
  CHECK(parse({"-version=F"})->action == Options::Action::serve);
}

TEST_CASE("options: what is wrong is said") {
  CHECK(error_of({"-cnof", "x"}) == "unknown flag -cnof; did you mean 'conf'?; -help lists them");
  CHECK(error_of({"Corefile"}) == "unexpected argument 'Corefile': expected a flag; -help lists them");
  CHECK(error_of({"-conf"}) == "-conf needs a value");
  CHECK(error_of({"-quiet=yes"}) == "-quiet: 'yes' is not true or false");
  CHECK(error_of({"-queit=true"}).starts_with("unknown flag -queit;"));
  CHECK(error_of({"-cnof=x"}).starts_with("unknown flag -cnof;"));  // and not that x is not true or false
  CHECK(error_of({"-=x"}).starts_with("unknown flag -"));
  CHECK(error_of({"-dns.port", "0"}).starts_with("-dns.port: "));
  CHECK(error_of({"-dns.port", "65536"}).starts_with("-dns.port: "));
  CHECK(error_of({"-workers", "x"}).starts_with("-workers: "));
}
