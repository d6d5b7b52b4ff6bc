#include "core/certificates/settings.h"

#include <algorithm>

#include "core/dns/zones.h"
#include "core/text.h"

namespace swage::certificates {
namespace {

constexpr std::size_t kMaxUrl = 1000;

bool is_directory(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  return url.starts_with(kScheme) && url.size() > kScheme.size() && url.size() <= kMaxUrl &&
         std::ranges::all_of(url, [](char c) { return is_printable(c) && c != ' ' && c != '"'; });
}

Result<std::string> read_directory(Controller& controller) {
  TRY(const std::string_view url, controller.expect_arg("the URL of a CA's directory"));
  if (!is_directory(url)) {
    return controller.fail("'{}' is not the URL of a directory; expected one such as https://ca.example/directory",
                           url);
  }
  return std::string(url);
}

Result<std::string> read_email(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("an e-mail address"));
  const std::size_t at = text.find('@');
  if (at == 0 || at == text.npos || at + 1 == text.size() || !std::ranges::all_of(text, is_printable)) {
    return controller.fail("'{}' is not an e-mail address", text);
  }
  return std::string(text);
}

Result<> read_external(Controller& controller, Settings& settings) {
  TRY(settings.external_id, controller.expect_arg("the identifier of an account at the CA"));
  return assign(settings.external_file, controller.expect_path("the file of its key"));
}

}  // namespace

std::string Settings::stem() const {
  const std::string& first = names.front();
  return first.starts_with("*.") ? "wildcard" + first.substr(1) : first;
}

Result<> read_acme(Controller& controller, Settings& settings) {
  return controller.read_block({
      {"directory", [&] { return assign(settings.directory, read_directory(controller)); }},
      {"email", [&] { return assign(settings.email, read_email(controller)); }},
      {"ca-file", [&] { return assign(settings.authorities, controller.expect_path("a file of certificates")); }},
      {"eab", [&] { return read_external(controller, settings); }},
      {"profile", [&] { return assign(settings.profile, controller.expect_arg("the name of a profile")); }},
      {"state", [&] { return assign(settings.folder, controller.expect_path("a folder")); }},
  });
}

Result<> check_names(Controller& controller, const config::Token& at, const Settings& settings) {
  if (!controller.block().has("acme-txt")) {
    return controller.fail_at(at, "the CA's challenge is answered by 'acme-txt', which is not in this server block");
  }
  for (const std::string& each : settings.names) {
    const bool is_wildcard = each.starts_with("*.");
    TRY(const dns::Name name, dns::Name::parse(is_wildcard ? std::string_view(each).substr(2) : each));
    if (dns::is_under_any(name, controller.zones())) continue;
    return controller.fail_at(at,
                              "{} is in no zone of this server block, so the CA's challenge for it cannot be answered "
                              "here",
                              each);
  }
  return {};
}

std::string default_folder(Controller& controller, const Settings& settings, const std::string& store) {
  if (!store.empty()) return store + ".certs";
  std::string folder = settings.stem() + "-certs";
  std::ranges::replace(folder, '.', '_');
  return controller.block().path(folder);
}

}  // namespace swage::certificates
