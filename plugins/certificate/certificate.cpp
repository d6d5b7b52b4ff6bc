// certificate: certificates for names of the server's zones, kept in files for others. The Service is
// core/certificates'. Every process sets it up; the service process alone does something.
#include "plugins/certificate/certificate.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "core/certificates/keeper.h"
#include "core/dns/name.h"
#include "core/forge/challenge_store.h"
#include "core/text.h"

namespace swage::plugins::certificate {
namespace {

constexpr std::size_t kMaxNames = 100;  // Let's Encrypt's limit

// "example.org", "*.example.org"
Result<std::string> read_name(Controller& controller) {
  TRY(std::string_view text, controller.expect_arg("a name"));
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::string_view host = text.starts_with("*.") ? text.substr(2) : text;
  const auto is_host = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; };
  if (host.empty() || !dns::Name::parse(host) || !std::ranges::all_of(host, is_host)) {
    return controller.fail("'{}' is not a valid name; expected one such as www.example.org or *.example.org",
                           controller.val());
  }
  return lower_case(text);
}

Result<mode_t> read_mode(Controller& controller) {
  TRY(const std::string_view text, controller.one_of({"0600", "0640", "0644"}));
  return text == "0600" ? 0600 : text == "0640" ? 0640 : 0644;
}

Result<certificates::Settings> read(Controller& controller) {
  certificates::Settings settings;
  settings.plugin = controller.directive();
  do {
    TRY(std::string name, read_name(controller));
    if (std::ranges::find(settings.names, name) != settings.names.end()) {
      return controller.fail("{} stands twice", name);
    }
    settings.names.push_back(std::move(name));
  } while (controller.has_arg());
  if (settings.names.size() > kMaxNames) return controller.fail("more than {} names", kMaxNames);
  TRY(controller.read_block({
      {"mode", [&] { return assign(settings.mode, read_mode(controller)); }},
      {"acme", [&] { return certificates::read_acme(controller, settings); }},
  }));
  return settings;
}

}  // namespace

Result<> setup(Controller& controller) {
  while (controller.next()) {
    const config::Token at = controller.token();
    TRY(certificates::Settings settings, read(controller));
    TRY(certificates::check_names(controller, at, settings));
    shm::Shared& challenges = controller.shared(forge::ChallengeStore::name(controller.zones().front().to_string()));
    if (settings.folder.empty()) {
      settings.folder = certificates::default_folder(controller, settings, challenges.place());
    }
    const auto measures = certificates::Measures::of(controller.metrics(), settings.names.front());
    controller.add(std::make_unique<certificates::Keeper>(std::move(settings), challenges, measures));
  }
  return {};
}

}  // namespace swage::plugins::certificate
