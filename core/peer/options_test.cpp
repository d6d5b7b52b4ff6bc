#include "core/peer/options.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace swage;
using namespace std::chrono_literals;
using peer::Options;

namespace {

Result<Options> parse(const std::vector<const char*>& arguments) { return peer::parse_options(arguments); }

std::string error_of(const std::vector<const char*>& arguments) {
  const auto options = parse(arguments);
  return options ? "" : options.error().text();
}

}  // namespace

TEST_CASE("options: without any it is a node") {
  const Options options = parse({}).value();
  CHECK(options.action == Options::Action::run);
  CHECK_FALSE(options.broker);
  CHECK(options.listens);
  REQUIRE(options.listen.size() == 1);
  CHECK(options.listen[0].to_string() == "/ip4/0.0.0.0/tcp/4001");
  CHECK(options.noise);
  CHECK(options.tls);
  CHECK(options.key_file.empty());
}

TEST_CASE("options: all of them") {
  const Options options = parse({"--register",
                                 "https://127.0.0.1:8443",
                                 "-value=-AB_",
                                 "--dialect",
                                 "nim",
                                 "--announce",
                                 "/ip4/192.0.2.1/tcp/1",
                                 "--announce=/ip4/192.0.2.1/udp/1/some-new-thing",
                                 "--host",
                                 "registration.example",
                                 "--ca",
                                 "ca.pem",
                                 "--timeout",
                                 "1.5s",
                                 "--key",
                                 "k",
                                 "--key-type",
                                 "ecdsa",
                                 "--listen",
                                 "/ip4/127.0.0.1/tcp/0",
                                 "--listen",
                                 "/ip6/::1/tcp/0/ws",
                                 "--security",
                                 "tls"})
                              .value();
  CHECK(options.broker->authority() == "127.0.0.1:8443");
  CHECK(options.value == "-AB_");
  CHECK(options.dialect->name == "nim");
  CHECK(options.announce == std::vector<std::string>{"/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/udp/1/some-new-thing"});
  CHECK(options.host == "registration.example");
  CHECK(options.ca_file == "ca.pem");
  CHECK(options.timeout == 1500ms);
  CHECK(options.key_file == "k");
  CHECK(options.key_type == libp2p::KeyType::ecdsa);
  CHECK(options.listen.size() == 2);
  CHECK_FALSE(options.noise);
  CHECK(options.tls);
}

// Values of base64url may begin with a dash, and "--value" says that one follows.
TEST_CASE("options: a value that looks like a flag") {
  CHECK(parse({"--register", "http://a", "--value", "--help"})->value == "--help");
  CHECK(parse({"--register", "http://a", "--value", "-A"})->value == "-A");
}

TEST_CASE("options: what only prints") {
  CHECK(parse({"--help"})->action == Options::Action::print_help);
  CHECK(parse({"-h"})->action == Options::Action::print_help);
  CHECK(parse({"--version"})->action == Options::Action::print_version);
  CHECK(parse({"--id", "--key", "k"})->action == Options::Action::print_id);
  CHECK(peer::help().find("--register") != std::string_view::npos);
}

TEST_CASE("options: errors") {
  struct Row {
    std::vector<const char*> arguments;
    std::string error;
  };
  const Row kRows[] = {
      {{"x"}, "unexpected argument 'x': expected a flag; --help lists them"},
      {{"-"}, "unexpected argument '-': expected a flag; --help lists them"},
      {{"--"}, "unexpected argument '--': expected a flag; --help lists them"},
      {{""}, "unexpected argument '': expected a flag; --help lists them"},
      {{"--regster", "x"}, "unknown flag --regster; did you mean 'register'?; --help lists them"},
      {{"--="}, "unknown flag --; --help lists them"},
      {{"--register"}, "--register needs a value"},
      {{"--no-listen=1"}, "--no-listen takes no value"},
      {{"--register", "x"}, "--register: 'x': expected http:// or https://"},
      {{"--register", "http://a"}, "--register needs --value"},
      {{"--register", "http://a", "--value", ""}, "--value: it is empty"},
      {{"--value", "x"}, "--value needs --register"},
      {{"--host", "x"}, "--host is for --register"},
      {{"--register", "http://a", "--value", "x", "--host", "a/b"}, "--host: 'a/b': expected a host, or HOST:PORT"},
      {{"--dialect", "perl"}, "--dialect: 'perl': expected one of go, js, nim, python, rust, dotnet"},
      {{"--key-type", "dsa"}, "--key-type: 'dsa': expected ed25519, rsa, ecdsa or secp256k1"},
      {{"--security", "none"}, "--security: 'none': expected noise or tls"},
      {{"--timeout", "0"}, "--timeout: '0': expected at least 1ms"},
      {{"--id"}, "--id needs --key"},
      {{"--no-listen"}, "with --no-listen and without --register there is nothing to do"},
      {{"--no-listen", "--listen", "/ip4/127.0.0.1/tcp/0"}, "--listen and --no-listen contradict each other"},
      {{"--register", "http://a", "--value", "x", "--no-listen"},
       "--no-listen needs --announce: the broker must dial something"},
  };
  for (const Row& row : kRows) CHECK(error_of(row.arguments) == row.error);
  CHECK(error_of({"--listen", "/some-new-thing"}).starts_with("--listen: "));
  CHECK(error_of({"--announce", "1.2.3.4"}).starts_with("--announce: "));
  CHECK(error_of({"--announce", "/ip4/1.2.3"}).starts_with("--announce: "));
  CHECK(error_of({"--timeout", "soon"}).starts_with("--timeout: "));
}
