#include <algorithm>
#include <memory>
#include <utility>

#include "core/config/values.h"
#include "core/plugin/http_endpoint.h"
#include "core/text.h"
#include "plugins/broker/broker.h"

namespace swage::plugins::broker {
namespace {

using namespace std::chrono_literals;
using Audience = shm::Shared::Audience;

constexpr std::uint16_t kHttps = 443;
constexpr std::size_t kMaxConcurrent = 64;
constexpr std::size_t kMaxAddresses = 256;

// "registration.libp2p.direct"
Result<std::string> read_domain(Controller& controller) {
  TRY(std::string_view text, controller.expect_arg("a domain"));
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto is_host = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; };
  const Result<dns::Name> name = dns::Name::parse(text);
  if (!name || text.empty() || !std::ranges::all_of(text, is_host)) {
    return std::unexpected(
        controller.error("broker: '{}' is not a valid domain; expected one without port", controller.val()));
  }
  std::string domain = name->lowercased().to_string();
  domain.pop_back();
  return domain;
}

// ":443", "192.0.2.1:443", "[2001:db8::1]:443"
Result<std::vector<Endpoint>> parse_listen(std::string_view text) {
  const auto wrong = [text] { return fail("listen: '{}' is not [ADDRESS]:PORT{}", text, host_name_hint(text)); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  const auto port = config::parse_integer<std::uint16_t>(text.substr(colon + 1), 1, 65535);
  if (!port) return fail("listen: {}", port.error().text());
  std::string_view address = text.substr(0, colon);
  if (address.empty()) {
    const IpAddress any_v6 = IpAddress::v6(std::array<std::uint8_t, 16>{});
    return std::vector<Endpoint>{{IpAddress(), *port, 0}, {any_v6, *port, 0}};
  }
  const bool brackets = address.starts_with('[') && address.ends_with(']');
  if (brackets) address = address.substr(1, address.size() - 2);
  const auto parsed = IpAddress::parse(address);
  if (!parsed || parsed->is_v6() != brackets) return wrong();
  return std::vector<Endpoint>{{*parsed, *port, 0}};
}

Result<> read_listen(Controller& controller, std::vector<Endpoint>& listen) {
  TRY(controller.expect_arg("[ADDRESS]:PORT"));
  do {
    const auto endpoints = parse_listen(controller.val());
    if (!endpoints) return std::unexpected(controller.error("{}", endpoints.error().text()));
    for (const Endpoint& each : *endpoints) {
      TRY(controller.listen_tcp(each, Controller::Sharing::no));
      listen.push_back(each);
    }
  } while (controller.next_arg());
  return {};
}

Result<> read_tls(Controller& controller, Settings& settings) {
  TRY(const std::string_view first, controller.expect_arg("CERT KEY, or 'off'"));
  settings.certificate.reset();
  if (first == "off") return controller.expect_end();
  const std::string chain = controller.path(first);
  TRY(const std::string_view key, controller.expect_arg("the file of the key"));
  settings.certificate.emplace(chain, controller.path(key));
  return controller.expect_end();
}

Result<> read_file_name(Controller& controller, std::string& path) {
  TRY(const std::string_view written, controller.expect_arg("a file"));
  path = controller.path(written);
  return controller.expect_end();
}

Result<> read_prefixes(Controller& controller, std::vector<Prefix>& prefixes) {
  const std::string property = controller.val();
  TRY(controller.expect_arg("a network in CIDR notation"));
  do {
    const auto prefix = Prefix::parse(controller.val());
    if (!prefix) return std::unexpected(controller.error("{}: {}", property, prefix.error().text()));
    prefixes.push_back(*prefix);
  } while (controller.next_arg());
  return {};
}

// "https://example.org", "http://localhost:8080": as browsers write it, which is compared byte by byte.
bool is_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == 0 || scheme == std::string_view::npos || scheme + 3 == text.size()) return false;
  const auto is_part = [](char c) {
    return is_lower(c) || is_digit(c) || std::string_view("+-._:[]").find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(text.substr(0, scheme), is_part) && std::ranges::all_of(text.substr(scheme + 3), is_part);
}

Result<> read_cors(Controller& controller, std::vector<std::string>& origins) {
  TRY(controller.expect_arg("an origin, or '*'"));
  do {
    const std::string& origin = controller.val();
    if (origin != "*" && !is_origin(origin)) {
      return std::unexpected(controller.error(
          "cors: '{}' is not a valid origin; expected one such as https://example.org, or '*'", origin));
    }
    origins.push_back(origin);
  } while (controller.next_arg());
  return {};
}

// "10/1h"
Result<dial::Rate> parse_rate(std::string_view text) {
  if (text == "off") return dial::Rate{};
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail("'{}' is not a valid limit; expected COUNT/DURATION, such as 10/1h", text);
  TRY(const auto count, config::parse_integer<std::uint32_t>(text.substr(0, slash), 1, 1'000'000));
  TRY(const auto duration, config::parse_duration(text.substr(slash + 1)));
  if (duration < 1s || duration > 24h * 366) return fail("'{}' is not 1s to 8784h", text.substr(slash + 1));
  return dial::Rate{count, std::chrono::floor<std::chrono::milliseconds>(duration)};
}

// limit WHOSE COUNT/DURATION | off, of one of two.
struct Limited {
  std::string_view whose;
  dial::Rate& rate;
};
Result<> read_limit(Controller& controller, const Limited& one, const Limited& other) {
  TRY(const std::string_view whose, controller.expect_arg(fmt::format("'{}' or '{}'", one.whose, other.whose)));
  if (whose != one.whose && whose != other.whose) {
    return std::unexpected(controller.error("limit: '{}' is neither '{}' nor '{}'", whose, one.whose, other.whose));
  }
  dial::Rate& rate = whose == one.whose ? one.rate : other.rate;
  TRY(const std::string_view text, controller.expect_arg("COUNT/DURATION"));
  const auto parsed = parse_rate(text);
  if (!parsed) return std::unexpected(controller.error("limit: {}", parsed.error().text()));
  rate = *parsed;
  return controller.expect_end();
}

Result<> read_number(Controller& controller, std::size_t& number, std::size_t max) {
  const std::string property = controller.val();
  TRY(const std::string_view text, controller.expect_arg("a number"));
  const auto parsed = config::parse_integer<std::size_t>(text, 1, max);
  if (!parsed) return std::unexpected(controller.error("{}: {}", property, parsed.error().text()));
  number = *parsed;
  return controller.expect_end();
}

Result<> read_timeout(Controller& controller, std::chrono::milliseconds& timeout) {
  TRY(const std::string_view text, controller.expect_arg("a duration"));
  const auto parsed = config::parse_duration(text);
  if (!parsed) return std::unexpected(controller.error("timeout: {}", parsed.error().text()));
  if (*parsed < 1s || *parsed > 60s) return std::unexpected(controller.error("timeout: '{}' is not 1s to 60s", text));
  timeout = std::chrono::floor<std::chrono::milliseconds>(*parsed);
  return controller.expect_end();
}

Result<> read_ports(Controller& controller, std::vector<std::uint16_t>& ports) {
  const std::string property = controller.val();
  TRY(controller.expect_arg("a port"));
  do {
    const auto port = config::parse_integer<std::uint16_t>(controller.val(), 1, 65535);
    if (!port) return std::unexpected(controller.error("{}: {}", property, port.error().text()));
    ports.push_back(*port);
  } while (controller.next_arg());
  return {};
}

Result<> read_dial(Controller& controller, dial::Settings& dial) {
  TRY(controller.expect_end());
  std::vector<Prefix> allow, deny;
  std::vector<std::uint16_t> ports;
  const unsigned level = controller.nesting();
  while (controller.next_block(level)) {
    const std::string& property = controller.val();
    if (property == "timeout") {
      TRY(read_timeout(controller, dial.timeout));
    } else if (property == "concurrency") {
      TRY(read_number(controller, dial.concurrency, kMaxConcurrent));
    } else if (property == "addresses") {
      TRY(read_number(controller, dial.addresses, kMaxAddresses));
    } else if (property == "allow") {
      TRY(read_prefixes(controller, allow));
    } else if (property == "deny") {
      TRY(read_prefixes(controller, deny));
    } else if (property == "allow-port") {
      TRY(read_ports(controller, ports));
    } else if (property == "limit") {
      TRY(read_limit(controller, {"network", dial.network_limit}, {"foreign", dial.foreign_limit}));
    } else {
      return std::unexpected(
          controller.unknown_property({"timeout", "concurrency", "addresses", "allow", "deny", "allow-port", "limit"}));
    }
  }
  dial.policy = dial::AddressPolicy(std::move(allow), std::move(deny), std::move(ports));
  return {};
}

Result<> read_property(Controller& controller, Settings& settings, bool& has_tls) {
  const std::string& property = controller.val();
  if (property == "listen") return read_listen(controller, settings.listen);
  if (property == "tls") {
    has_tls = true;
    return read_tls(controller, settings);
  }
  if (property == "secret") return read_file_name(controller, settings.secret_file);
  if (property == "access-token") return read_file_name(controller, settings.access_token_file);
  if (property == "trusted-proxy") return read_prefixes(controller, settings.trusted_proxies);
  if (property == "cors") return read_cors(controller, settings.cors);
  if (property == "limit") {
    return read_limit(controller, {"peer", settings.peer_limit}, {"client", settings.client_limit});
  }
  if (property == "dial") return read_dial(controller, settings.dial);
  return std::unexpected(controller.unknown_property(
      {"listen", "tls", "secret", "access-token", "trusted-proxy", "cors", "limit", "dial"}));
}

Result<Settings> read_settings(Controller& controller) {
  Settings settings;
  bool has_tls = false;
  controller.next();
  settings.directive = controller.token();
  settings.name = controller.block().known_as(controller.directive());
  settings.from_p2p_forge = settings.name != controller.directive();
  TRY(settings.domain, read_domain(controller));
  TRY(controller.expect_end());
  while (controller.next_block()) TRY(read_property(controller, settings, has_tls));
  if (!has_tls) {
    return std::unexpected(settings.directive.error("broker: 'tls CERT KEY' is missing, or 'tls off' behind a proxy"));
  }
  if (controller.next()) return std::unexpected(controller.error("broker stands once in a server block"));
  return settings;
}

}  // namespace

Result<> setup(Controller& controller) {
  TRY(Settings settings, read_settings(controller));
  const std::string zone = controller.zones().front().to_string();
  shm::Shared& challenges = controller.shared(forge::ChallengeStore::name(zone), Audience::everyone);
  const bool has_store = controller.block().has("acme-txt");
  if (!challenges.kept() && !has_store) {  // one that is wrong has been told of
    return std::unexpected(
        settings.directive.error("broker: registrations go to 'acme-txt', which is not in this server block"));
  }
  if (settings.listen.empty()) {
    TRY(const auto everywhere, parse_listen(fmt::format(":{}", kHttps)));
    for (const Endpoint& each : everywhere) TRY(controller.listen_tcp(each, Controller::Sharing::no));
    settings.listen = everywhere;
  }
  if (settings.certificate) {
    settings.certificate_expiry = controller.metrics().gauge(
        "swage_certificate_expiry_timestamp_seconds", "When the first certificate of the broker's chain expires.",
        {{"domain", settings.domain}});
  }
  shm::Shared& secret = controller.shared("broker secret " + settings.domain, Audience::service);
  const denylist::Denylist denylist(controller.snapshot(denylist::Denylist::name(zone)), &controller.metrics());
  controller.add(
      std::make_unique<Broker>(std::move(settings), challenges, secret, denylist, Measures(controller.metrics())));
  return {};
}

}  // namespace swage::plugins::broker
