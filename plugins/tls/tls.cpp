#include "plugins/tls/tls.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/ranges.h>

#include "core/certificates/keeper.h"
#include "core/dns/name.h"
#include "core/forge/challenge_store.h"
#include "core/text.h"
#include "plugins/tls/identity.h"
#include "plugins/tls/ticket_keys.h"

namespace swage::plugins::tls {
namespace {

using async::TlsClients;

struct Settings {
  Files files;
  certificates::Settings acme;  // where files.automatic
  std::optional<config::Token> clients_at, acme_at;
};

// "dns.example.org"
Result<std::string> read_name(Controller& controller) {
  TRY(std::string_view text, controller.expect_arg("a name"));
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto is_host = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; };
  if (text.empty() || !std::ranges::all_of(text, is_host) || !dns::Name::parse(text)) {
    return controller.fail("'{}' is not a valid name; expected one such as dns.example.org", controller.val());
  }
  return lower_case(text);
}

Result<> read_clients(Controller& controller, Settings& settings) {
  settings.clients_at = controller.token();
  TRY(const std::string_view text,
      controller.one_of({"nocert", "request", "require", "verify_if_given", "require_and_verify"}));
  settings.files.clients = text == "nocert"            ? TlsClients::none
                           : text == "request"         ? TlsClients::request
                           : text == "require"         ? TlsClients::require
                           : text == "verify_if_given" ? TlsClients::verify_given
                                                       : TlsClients::verify;
  return {};
}

Result<> read_files(Controller& controller, Settings& settings) {
  TRY(settings.files.chain, controller.expect_path("CERT KEY, or 'auto' and a name"));
  settings.files.automatic = controller.val() == "auto";
  if (settings.files.automatic) {
    do {
      TRY(std::string name, read_name(controller));
      settings.acme.names.push_back(std::move(name));
    } while (controller.has_arg());
    return {};
  }
  TRY(settings.files.key, controller.expect_path("KEY, the file with the key of the certificate"));
  if (!controller.has_arg()) return {};
  return assign(settings.files.authorities, controller.expect_path("CA, a file of authorities"));
}

Result<Settings> read(Controller& controller) {
  Settings settings;
  settings.acme.plugin = controller.directive();
  const config::Token at = controller.token();
  TRY(read_files(controller, settings));
  TRY(controller.read_block({
      {"client_auth", [&] { return read_clients(controller, settings); }},
      {"ca", [&] { return assign(settings.files.authorities, controller.expect_path("a file of authorities")); }},
      {"acme",
       [&] {
         settings.acme_at = controller.token();
         return certificates::read_acme(controller, settings.acme);
       }},
  }));
  const TlsClients clients = settings.files.clients;
  const bool verifies = clients == TlsClients::verify_given || clients == TlsClients::verify;
  if (verifies && settings.files.authorities.empty()) {
    return controller.fail_at(*settings.clients_at, "client_auth: to verify clients it needs CA, after CERT and KEY");
  }
  if (settings.acme_at && !settings.files.automatic)
    return controller.fail_at(*settings.acme_at, "acme: is for 'auto'");
  if (settings.files.automatic) TRY(certificates::check_names(controller, at, settings.acme));
  return settings;
}

// auto: the certificate is got by a Service of its own, and followed as any other.
void finish_acme(Controller& controller, Settings& settings, const shm::Shared& challenges) {
  if (settings.acme.folder.empty()) {
    settings.acme.folder = certificates::default_folder(controller, settings.acme, challenges.place());
  }
  settings.files.chain = settings.files.key = settings.acme.path();
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  TRY(Settings settings, read(controller));
  ServerBlock& block = controller.block();
  shm::Shared* challenges = nullptr;
  if (settings.files.automatic) {
    challenges = &controller.shared(forge::ChallengeStore::name(controller.zones().front().to_string()));
    finish_acme(controller, settings, *challenges);
  }
  shm::Snapshot& identity = controller.snapshot(fmt::format("tls {}", fmt::join(settings.files.paths(), " ")));
  shm::Snapshot& tickets = controller.snapshot(TicketKeys::kName);
  block.tls = TlsSettings{&identity, &tickets, settings.files.clients};
  const bool is_used = std::ranges::any_of(block.ports, [](ListenPort port) { return port.scheme != Scheme::dns; });
  if (!is_used) controller.warn(controller.error_at(controller.occurrence(), "no key begins with tls:// or https://"));
  if (tickets.claim()) controller.add(std::make_unique<TicketKeys>(tickets));
  if (!identity.claim()) return {};
  const auto expiry = controller.metrics().gauge("swage_tls_certificate_expiry_timestamp_seconds",
                                                 "When the certificate of a tls:// or https:// server block ends.",
                                                 {{"file", settings.files.chain}});
  if (challenges != nullptr) {
    const auto measures = certificates::Measures::of(controller.metrics(), settings.acme.names.front());
    controller.add(std::make_unique<certificates::Keeper>(std::move(settings.acme), *challenges, measures));
  }
  controller.add(std::make_unique<Identity>(std::move(settings.files), identity, expiry));
  return {};
}

}  // namespace swage::plugins::tls
