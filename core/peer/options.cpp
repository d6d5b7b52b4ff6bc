#include "core/peer/options.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/config/nearest.h"
#include "core/config/values.h"
#include "core/peer/key_file.h"

namespace swage::peer {
namespace {

using libp2p::Multiaddr;
using libp2p::MultiaddrError;

constexpr std::string_view kDefaultListen = "/ip4/0.0.0.0/tcp/4001";

Result<> set_dialect(Options& options, std::string_view value) {
  options.dialect = find_dialect(value);
  if (options.dialect) return {};
  std::string names;
  for (const Dialect& dialect : dialects()) names += (names.empty() ? "" : ", ") + std::string(dialect.name);
  return fail("'{}': expected one of {}", value, names);
}

Result<> set_key_type(Options& options, std::string_view value) {
  options.key_type = parse_key_type(value);
  if (!options.key_type) return fail("'{}': expected ed25519, rsa, ecdsa or secp256k1", value);
  return {};
}

Result<> add_listen(Options& options, std::string_view value) {
  auto address = Multiaddr::parse(value);
  if (!address) return fail("{}", address.error().text());
  options.listen.push_back(*std::move(address));
  return {};
}

// Protocols that we do not know are the broker's to skip.
Result<> add_announce(Options& options, std::string_view value) {
  const auto address = Multiaddr::parse(value);
  if (!address && address.error().kind() != MultiaddrError::Kind::unknown_protocol) {
    return fail("{}", address.error().text());
  }
  options.announce.emplace_back(value);
  return {};
}

Result<> set_timeout(Options& options, std::string_view value) {
  TRY(const auto timeout, config::parse_duration(value));
  options.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
  if (options.timeout.count() <= 0) return fail("'{}': expected at least 1ms", value);
  return {};
}

Result<> set_security(Options& options, std::string_view value) {
  if (value != "noise" && value != "tls") return fail("'{}': expected noise or tls", value);
  options.noise = value == "noise";
  options.tls = value == "tls";
  return {};
}

// One that takes a value has `set`, the others `on`.
struct Flag {
  std::string_view name;
  Result<> (*set)(Options&, std::string_view value) = nullptr;
  void (*on)(Options&) = nullptr;
};

template <std::string Options::* member>
Result<> set_text(Options& options, std::string_view value) {
  if (value.empty()) return fail("it is empty");
  options.*member = value;
  return {};
}

constexpr Flag kFlags[] = {
    {"register",
     [](Options& options, std::string_view value) -> Result<> {
       TRY(options.broker, Url::parse(value));
       return {};
     }},
    {"value", set_text<&Options::value>},
    {"dialect", set_dialect},
    {"announce", add_announce},
    {"host", set_text<&Options::host>},
    {"ca", set_text<&Options::ca_file>},
    {"timeout", set_timeout},
    {"key", set_text<&Options::key_file>},
    {"key-type", set_key_type},
    {"listen", add_listen},
    {"security", set_security},
    {.name = "no-listen", .on = [](Options& options) { options.listens = false; }},
    {.name = "id", .on = [](Options& options) { options.action = Options::Action::print_id; }},
    {.name = "version", .on = [](Options& options) { options.action = Options::Action::print_version; }},
    {.name = "help", .on = [](Options& options) { options.action = Options::Action::print_help; }},
    {.name = "h", .on = [](Options& options) { options.action = Options::Action::print_help; }},
};

std::string unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Flag& flag : kFlags) names.push_back(flag.name);
  return fmt::format("unknown flag --{}{}; --help lists them", name, config::did_you_mean(name, names));
}

// What flags mean together.
Result<> complete(Options& options) {
  if (!options.host.empty() && !options.broker) return fail("--host is for --register");
  if (!options.host.empty()) {
    if (const auto url = options.broker->with_host(options.host); !url) return fail("--host: {}", url.error().text());
  }
  if (options.broker && options.value.empty()) return fail("--register needs --value");
  if (!options.broker && !options.value.empty()) return fail("--value needs --register");
  if (!options.listens && !options.listen.empty()) return fail("--listen and --no-listen contradict each other");
  if (!options.listens && !options.broker && options.action == Options::Action::run) {
    return fail("with --no-listen and without --register there is nothing to do");
  }
  if (!options.listens && options.broker && options.announce.empty()) {
    return fail("--no-listen needs --announce: the broker must dial something");
  }
  if (options.action == Options::Action::print_id && options.key_file.empty()) return fail("--id needs --key");
  if (options.listens && options.listen.empty()) return add_listen(options, kDefaultListen);
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    if (!name.starts_with('-') || name == "-" || name == "--") {
      return fail("unexpected argument '{}': expected a flag; --help lists them", name);
    }
    name.remove_prefix(name.starts_with("--") ? 2 : 1);
    const std::size_t equals = std::min(name.find('='), name.size());
    const bool has_value = equals < name.size();
    std::string_view value = name.substr(std::min(equals + 1, name.size()));
    name = name.substr(0, equals);
    const auto* const flag = std::ranges::find(kFlags, name, &Flag::name);
    if (flag == std::end(kFlags)) return fail("{}", unknown(name));
    if (flag->on) {
      if (has_value) return fail("--{} takes no value", name);
      flag->on(options);
      continue;
    }
    if (!has_value) {
      if (++i == arguments.size()) return fail("--{} needs a value", name);
      value = arguments[i];
    }
    if (const auto set = flag->set(options, value); !set) return fail("--{}: {}", name, set.error().text());
  }
  using enum Options::Action;
  if (options.action != print_help && options.action != print_version) TRY(complete(options));
  return options;
}

std::string_view help() {
  return R"(swage-peer: a libp2p node as far as a broker needs one

Usage: swage-peer --register URL --value VALUE [FLAGS]
       swage-peer [FLAGS]
       swage-peer --key FILE --id

Register, and exit:
  --register URL         the broker: https://registration.libp2p.direct
  --value VALUE          what the TXT record shall be: what ACME clients hand to their hooks
  --dialect NAME         as which client: go (default), js, nim, python, rust, dotnet
  --announce MULTIADDR   what the broker shall dial (default: where it listens); may come more than once
  --host NAME[:PORT]     the broker's host, whatever is in the URL
  --ca FILE              authorities in PEM (default: the system's)
  --timeout DURATION     for all of it (default: 60s)

The node:
  --key FILE             its private key, as protobuf or base64 of it; made where there is none
                         (default: a key of this run)
  --key-type TYPE        of a key that is made: ed25519 (default), rsa, ecdsa, secp256k1
  --listen MULTIADDR     where (default: /ip4/0.0.0.0/tcp/4001); may come more than once
  --no-listen            nowhere: the node that has the key runs already
  --security NAME        noise or tls alone (default: both)

  --id                   print the peer ID and its label in domain names, and exit
  --version, --help      print that, and exit

Environment: FORGE_ACCESS_TOKEN is the access token, for brokers that want one.

Exit status: 0 done; 1 the broker refused; 2 a flag or a file is at fault; 3 the network is.
)";
}

}  // namespace swage::peer
