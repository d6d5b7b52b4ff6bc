#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "core/certificates/keeper.h"
#include "core/config/values.h"
#include "core/plugin/http_endpoint.h"
#include "core/text.h"
#include "plugins/broker/broker.h"

namespace swage::plugins::broker {
namespace {

using namespace std::chrono_literals;

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
    return controller.fail("'{}' is not a valid domain; expected one without port", controller.val());
  }
  std::string domain = name->lowercased().to_string();
  domain.pop_back();
  return domain;
}

// ":443", "192.0.2.1:443", "[2001:db8::1]:443"
Result<std::vector<Endpoint>> parse_listen(std::string_view text) {
  const auto wrong = [text] { return fail("'{}' is not [ADDRESS]:PORT{}", text, host_name_hint(text)); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  TRY(const auto port, config::parse_integer<std::uint16_t>(text.substr(colon + 1), 1, 65535));
  std::string_view address = text.substr(0, colon);
  if (address.empty()) {
    const IpAddress any_v6 = IpAddress::v6(std::array<std::uint8_t, 16>{});
    return std::vector<Endpoint>{{IpAddress(), port, 0}, {any_v6, port, 0}};
  }
  const bool brackets = address.starts_with('[') && address.ends_with(']');
  if (brackets) address = address.substr(1, address.size() - 2);
  const auto parsed = IpAddress::parse(address);
  if (!parsed || parsed->is_v6() != brackets) return wrong();
  return std::vector<Endpoint>{{*parsed, port, 0}};
}

Result<> read_listen(Controller& controller, std::vector<Endpoint>& listen) {
  do {
    TRY(const std::string_view text, controller.expect_arg("[ADDRESS]:PORT"));
    TRY(const std::vector<Endpoint> endpoints, parse_listen(text));
    for (const Endpoint& each : endpoints) {
      TRY(controller.listen_tcp(each, Controller::Sharing::no));
      listen.push_back(each);
    }
  } while (controller.has_arg());
  return {};
}

// auto | CERT KEY | off
Result<> read_tls(Controller& controller, Settings& settings) {
  TRY(std::string chain, controller.expect_path("CERT KEY, 'auto' or 'off'"));
  settings.automatic = controller.val() == "auto";
  settings.certificate.reset();
  if (settings.automatic || controller.val() == "off") return {};
  TRY(std::string key, controller.expect_path("the file of the key"));
  settings.certificate = CertificateFiles(std::move(chain), std::move(key));
  return {};
}

Result<> read_prefixes(Controller& controller, std::vector<Prefix>& prefixes) {
  do {
    TRY(const Prefix prefix, controller.expect_prefix());
    prefixes.push_back(prefix);
  } while (controller.has_arg());
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
  do {
    TRY(const std::string_view origin, controller.expect_arg("an origin, or '*'"));
    if (origin != "*" && !is_origin(origin)) {
      return controller.fail("'{}' is not a valid origin; expected one such as https://example.org, or '*'", origin);
    }
    origins.emplace_back(origin);
  } while (controller.has_arg());
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
  if (duration < 1s || duration > 24h * 366) return fail("'{}' is not between 1s and 8784h", text.substr(slash + 1));
  return dial::Rate{count, std::chrono::floor<std::chrono::milliseconds>(duration)};
}

// limit WHOSE COUNT/DURATION | off, of one of two.
struct Limited {
  std::string_view whose;
  dial::Rate& rate;
};
Result<> read_limit(Controller& controller, const Limited& one, const Limited& other) {
  TRY(const std::string_view whose, controller.one_of({one.whose, other.whose}));
  TRY(const std::string_view text, controller.expect_arg("COUNT/DURATION"));
  return assign(whose == one.whose ? one.rate : other.rate, parse_rate(text));
}

Result<> read_ports(Controller& controller, std::vector<std::uint16_t>& ports) {
  do {
    TRY(const auto port, controller.expect_number<std::uint16_t>(1, 65535));
    ports.push_back(port);
  } while (controller.has_arg());
  return {};
}

Result<> read_dial(Controller& controller, dial::Settings& dial) {
  std::vector<Prefix> allow, deny;
  std::vector<std::uint16_t> ports;
  TRY(controller.read_block({
      {"timeout", [&] { return assign(dial.timeout, controller.expect_duration(1s, 60s)); }},
      {"concurrency",
       [&] { return assign(dial.concurrency, controller.expect_number<std::size_t>(1, kMaxConcurrent)); }},
      {"addresses", [&] { return assign(dial.addresses, controller.expect_number<std::size_t>(1, kMaxAddresses)); }},
      {"allow", [&] { return read_prefixes(controller, allow); }},
      {"deny", [&] { return read_prefixes(controller, deny); }},
      {"allow-port", [&] { return read_ports(controller, ports); }},
      {"limit",
       [&] { return read_limit(controller, {"network", dial.network_limit}, {"foreign", dial.foreign_limit}); }},
  }));
  dial.policy = dial::AddressPolicy(std::move(allow), std::move(deny), std::move(ports));
  return {};
}

Result<> read_properties(Controller& controller, Settings& settings, certificates::Settings& acme) {
  std::optional<config::Token> acme_at;
  settings.automatic = true;
  TRY(controller.read_block({
      {"listen", [&] { return read_listen(controller, settings.listen); }},
      {"tls", [&] { return read_tls(controller, settings); }},
      {"acme",
       [&] {
         acme_at = controller.token();
         return certificates::read_acme(controller, acme);
       }},
      {"secret", [&] { return assign(settings.secret_file, controller.expect_path("a file")); }},
      {"access-token", [&] { return assign(settings.access_token_file, controller.expect_path("a file")); }},
      {"trusted-proxy", [&] { return read_prefixes(controller, settings.trusted_proxies); }},
      {"cors", [&] { return read_cors(controller, settings.cors); }},
      {"limit",
       [&] { return read_limit(controller, {"peer", settings.peer_limit}, {"client", settings.client_limit}); }},
      {"dial", [&] { return read_dial(controller, settings.dial); }},
  }));
  if (acme_at && !settings.automatic) return controller.fail_at(*acme_at, "acme: is for 'tls auto'");
  return {};
}

Result<Settings> read_settings(Controller& controller, certificates::Settings& acme) {
  Settings settings;
  controller.once();
  settings.directive = controller.token();
  settings.name = controller.block().known_as(controller.directive());
  settings.from_p2p_forge = settings.name != controller.directive();
  settings.proxy_protocol = controller.block().proxy;
  TRY(settings.domain, read_domain(controller));
  TRY(read_properties(controller, settings, acme));
  return settings;
}

// tls auto: the certificate is got by a Service of its own, and followed as any other.
Result<std::unique_ptr<Service>> make_keeper(Controller& controller, Settings& settings, certificates::Settings acme,
                                             shm::Shared& challenges) {
  acme.plugin = settings.name;
  acme.names = {settings.domain};
  if (const Result<> good = certificates::check_names(controller, settings.directive, acme); !good) {
    const std::string_view why = "; 'tls CERT KEY' names a certificate, 'tls off' is for a broker behind a proxy";
    return std::unexpected(Error(good.error().text() + std::string(why)));
  }
  if (acme.folder.empty()) acme.folder = certificates::default_folder(controller, acme, challenges.place());
  settings.certificate = CertificateFiles(acme.path(), acme.path());
  const auto measures = certificates::Measures::of(controller.metrics(), settings.domain);
  return std::make_unique<certificates::Keeper>(std::move(acme), challenges, measures);
}

}  // namespace

Result<> setup(Controller& controller) {
  certificates::Settings acme;
  TRY(Settings settings, read_settings(controller, acme));
  const std::string zone = controller.zones().front().to_string();
  shm::Shared& challenges = controller.shared(forge::ChallengeStore::name(zone));
  const bool has_store = controller.block().has("acme-txt");
  if (!challenges.kept() && !has_store) {  // one that is wrong has been told of
    return controller.fail_at(settings.directive, "registrations go to 'acme-txt', which is not in this server block");
  }
  if (settings.listen.empty()) {
    TRY(const auto everywhere, parse_listen(fmt::format(":{}", kHttps)));
    for (const Endpoint& each : everywhere) TRY(controller.listen_tcp(each, Controller::Sharing::no));
    settings.listen = everywhere;
  }
  if (settings.automatic) {
    TRY(auto keeper, make_keeper(controller, settings, std::move(acme), challenges));
    controller.add(std::move(keeper));
  }
  if (settings.certificate) {
    settings.certificate_expiry =
        controller.metrics().gauge("swage_certificate_expiry_timestamp_seconds",
                                   "When the first certificate of the chain expires.", {{"domain", settings.domain}});
  }
  shm::ServiceMemory& secret = controller.service_memory("broker secret " + settings.domain);
  const denylist::Denylist denylist(controller.snapshot(denylist::Denylist::name(zone)), &controller.metrics());
  controller.add(
      std::make_unique<Broker>(std::move(settings), challenges, secret, denylist, Measures(controller.metrics())));
  return {};
}

}  // namespace swage::plugins::broker
